package parcel

// What tests ask for from outside.
var (
	TensorsOf      = tensorsOf
	CheckSignature = checkSignature
	Sign           = sign
	McNemar        = mcnemar
	PairedLoss     = pairedLoss
)

// PublicKeyOf reads a public key's text.
var PublicKeyOf = parsePublicKey

// Comment is the trusted comment of a manifest's signature.
func Comment(m Manifest) string { return m.comment() }

// CheckScores is the gate's decision.
func CheckScores(s *Scores, g Gate) error { return s.check(g) }
