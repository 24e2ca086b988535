package lens

import (
	"context"
	"fmt"

	"lamina/autograd"
	"lamina/internal/files"
	"lamina/tensor"
)

// streamed lets all examples go through one block, and the maps of its entry, before the next
// is read. The stream of all of them is held, [all tokens D] of float32; what the head is put
// on lies in a file until all entries are there, and is compared pass by pass as without
// streaming.
func (m *measuring) streamed(ctx context.Context) error {
	tokens, rows := 0, 0
	for _, e := range m.examples {
		tokens, rows = tokens+len(e.Tokens), rows+len(e.Tokens)-e.Target
	}
	width := m.d.Head.Value.Dim(1)
	need := int64(4*width) * int64(rows) * int64(m.depth+1)
	if err := files.CheckSpace(m.o.Scratch, need); err != nil {
		return fmt.Errorf("states of %d tokens: %w", rows, err)
	}
	file, err := files.NewScratch(m.o.Scratch, "lens-states", need)
	if err != nil {
		return err
	}
	defer file.Close()
	at, err := m.spill(ctx, file)
	if err != nil {
		return err
	}
	p := autograd.NewPass(m.be)
	defer p.Close()
	for k, ids := range m.passes {
		_, of := m.targets(ids)
		spoken := make([]tensor.Tensor, m.depth+1)
		for entry := range spoken {
			values := make([]float32, len(of)*width)
			if err := file.Read(at[entry][k], tensor.Bytes(values)); err != nil {
				return err
			}
			spoken[entry] = p.New(tensor.F32, len(of), width)
			spoken[entry].SetFloat32s(values)
		}
		if err := m.compare(ctx, p, spoken, of); err != nil {
			return err
		}
		p.Reset()
		m.progress(m.depth+1+k+1, m.depth+1+len(m.passes))
	}
	return nil
}

// spill writes what the head is put on, entry by entry and pass by pass, and returns where
// each piece begins.
func (m *measuring) spill(ctx context.Context, file *files.Scratch) (at [][]int64, err error) {
	streams := make([][]float32, len(m.passes))
	at = make([][]int64, m.depth+1)
	p := autograd.NewPass(m.be)
	defer p.Close()
	for entry := range at {
		at[entry] = make([]int64, len(m.passes))
		for k, ids := range m.passes {
			b := m.batch(ids)
			x := autograd.Var{}
			if entry > 0 {
				t := p.New(tensor.F32, len(b.Tokens), m.d.Config.Width)
				t.SetFloat32s(streams[k])
				x = p.Input(t)
			}
			x = m.d.ForwardBlocks(p, b, x, max(entry-1, 0), entry)
			streams[k] = x.T.Float32s()
			rows, _ := m.targets(ids)
			spoken := m.l.finish(p, m.d, m.d.Rows(p, x, rows), entry, m.depth).T.Float32s()
			if err := p.Sync(); err != nil {
				return nil, err
			}
			if at[entry][k], err = file.Append(tensor.Bytes(spoken)); err != nil {
				return nil, err
			}
			p.Reset()
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		if entry > 0 && m.o.Release != nil {
			m.o.Release(m.d.Blocks[entry-1])
		}
		if entry < m.depth {
			m.l.release(entry)
		}
		m.progress(entry+1, m.depth+1+len(m.passes))
	}
	return at, nil
}
