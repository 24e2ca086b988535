package exchange

import "lamina/crash/emulate"

// Fold returns the emulator in the nearest standard form, see [emulate.Emulator.Fold], and
// what is lost, in lines; rows are what both are compared on, if there are some.
func (m *Model) Fold(e *emulate.Emulator, rows [][]int32) (*emulate.Emulator, string, error) {
	folded, lost, err := e.Fold(m.Backend, m.Config)
	if err != nil {
		return nil, "", err
	}
	apart := -1.0
	if len(rows) > 0 {
		if apart, err = emulate.Apart(m.Backend, e.Decoder, folded.Decoder, rows); err != nil {
			folded.Close()
			return nil, "", err
		}
	}
	return folded, lost.Text(apart), nil
}
