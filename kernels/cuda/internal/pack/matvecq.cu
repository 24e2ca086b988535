// with math blocks weights matvec
// Products of few rows with a weight in blocks of 32.

MATVEC(lamina_matvec_q4_0_1, Q4_0, 1, 1, 4)
MATVEC(lamina_matvec_q4_0_4, Q4_0, 4, 2, 4)
MATVEC(lamina_matvec_q4_1_1, Q4_1, 1, 1, 4)
MATVEC(lamina_matvec_q4_1_4, Q4_1, 4, 2, 4)
MATVEC(lamina_matvec_q5_0_1, Q5_0, 1, 1, 4)
MATVEC(lamina_matvec_q5_0_4, Q5_0, 4, 2, 4)
MATVEC(lamina_matvec_q5_1_1, Q5_1, 1, 1, 4)
MATVEC(lamina_matvec_q5_1_4, Q5_1, 4, 2, 4)
MATVEC(lamina_matvec_q8_0_1, Q8_0, 1, 1, 4)
MATVEC(lamina_matvec_q8_0_4, Q8_0, 4, 2, 4)
