package exchange

import "math"

// TensorChange is how far training, or who wrote the adapter, took a tensor, in Euclidean
// norms over its weights.
type TensorChange struct {
	Name  string  `json:"name"`
	Delta float64 `json:"delta"` // ‖Δ‖
	Start float64 `json:"start"` // ‖T₀‖
}

// TensorChanges returns, after [Adapter.Apply] or [Adapter.Plugged], the change of each
// tensor in the order of the blocks.
func (a *Adapter) TensorChanges() []TensorChange {
	all := make([]TensorChange, len(a.changed))
	for i, t := range a.changed {
		all[i] = TensorChange{t.name, math.Sqrt(t.delta), math.Sqrt(t.start)}
	}
	return all
}

// FindReceipt looks for the receipt of an exchange as *.receipt.json in directories; nil
// where there is none.
func FindReceipt(exchange string, dirs ...string) (*Receipt, error) {
	found, err := findReceipts(dirs...)
	if err != nil {
		return nil, err
	}
	for _, r := range found {
		if r.Exchange == exchange {
			return r, nil
		}
	}
	return nil, nil
}
