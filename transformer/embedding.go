package transformer

import (
	"lamina/autograd"
	"lamina/nn"
	"lamina/tensor"
)

// streamType is the type that embeddings give the stream.
const streamType = tensor.F32

// embeddingNames are what a family's embedding consists of, by the names in its
// checkpoints. All but tokens may be "": not there.
type embeddingNames struct {
	tokens    string
	project   string // a linear layer from the tables' width E to D, where they differ
	positions string // the table of learned positions
	unused    int    // rows of that table before position 0
	norm      string // a layer norm behind the sum
}

// tableEmbedding looks tokens up in a table and does what the family asks for besides:
//
//	x = dropout(norm(project(tokens[id]) + positions[position]))
type tableEmbedding struct {
	Tokens    *autograd.Parameter // [V E]
	Positions *autograd.Parameter // [unused+positions D], or nil
	Project   nn.Projection       // or nil
	Norm      *nn.Norm            // or nil

	names  embeddingNames
	config *Config
}

func (e *tableEmbedding) Parts(v nn.Visitor) {
	c := e.config
	v.Parameter(&e.Tokens, e.names.tokens, nn.Normal, c.Vocab, c.EmbedWidth)
	if e.names.positions != "" {
		v.Parameter(&e.Positions, e.names.positions, nn.Normal, c.MaxPositions+e.names.unused, c.Width)
	}
	if e.names.project != "" && c.EmbedWidth != c.Width {
		v.Linear(&e.Project, e.names.project, c.EmbedWidth, c.Width, false)
	}
	if e.names.norm != "" {
		v.LayerNorm(&e.Norm, e.names.norm, c.Width, c.Eps, true)
	}
}

func (e *tableEmbedding) Forward(p *autograd.Pass, s *Stream) autograd.Var {
	x := p.Gather(p.Param(e.Tokens), s.ids, streamType)
	if e.Project != nil {
		x = e.Project.Forward(p, x)
	}
	if e.Positions != nil {
		x = p.Add(x, p.Gather(p.Param(e.Positions), s.rows, streamType))
	}
	if e.Norm != nil {
		x = e.Norm.Forward(p, x)
	}
	if e.config.EmbedDropout {
		x = p.ApplyDropout(x)
	}
	return x
}

func (e *tableEmbedding) TokenWeights() *autograd.Parameter { return e.Tokens }

func (e *tableEmbedding) Clone() Embedding { return nn.CloneOf(e) }
