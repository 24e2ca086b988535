// with math blocks weights matvec
// Products of few rows with a weight in blocks of 256.

MATVEC(lamina_matvec_q4_k_1, Q4_K, 1, 1, 4)
MATVEC(lamina_matvec_q4_k_4, Q4_K, 4, 2, 4)
MATVEC(lamina_matvec_q5_k_1, Q5_K, 1, 1, 4)
MATVEC(lamina_matvec_q5_k_4, Q5_K, 4, 2, 4)
MATVEC(lamina_matvec_q6_k_1, Q6_K, 1, 1, 4)
MATVEC(lamina_matvec_q6_k_4, Q6_K, 4, 2, 4)
