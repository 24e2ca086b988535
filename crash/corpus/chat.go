package corpus

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"lamina/crash/train"
	"lamina/eval"
	"lamina/record"
	"lamina/transformer"
	"lamina/transformer/chat"
	"lamina/transformer/tokenizer"
)

// Chat are conversations, written by the model's own chat template: messages of a role and
// its content, or as ShareGPT has them. Learned is what the assistant said, see
// [chat.Said]; what follows the last of it is not read.
var Chat = Kind{Name: "chat", Help: chatColumns,
	has:     func(r record.Record) bool { return r.Has("messages") || r.Has("conversations") },
	encoder: chatRows,
}

const chatColumns = `{"messages":[{"role","content"},…]} or ShareGPT's {"conversations":[{"from","value"},…]}, in the model's chat template`

// speakers are the roles that ShareGPT's names stand for.
var speakers = map[string]string{
	"human": "user", "user": "user", "gpt": chat.Assistant, "chatgpt": chat.Assistant, "assistant": chat.Assistant, "system": "system",
}

func chatRows(m *eval.Model, o Options, rows *Rows) (func(record.Record) (train.Sequence, error), error) {
	t, err := m.Tokenizer()
	if err != nil {
		return nil, err
	}
	return func(r record.Record) (s train.Sequence, err error) {
		messages, err := messagesOf(r)
		if err != nil {
			return s, err
		}
		variables, err := toolsOf(r)
		if err != nil {
			return s, err
		}
		template, err := templateOf(m, t, variables, o)
		if err != nil {
			return s, err
		}
		if rows.Template == "" {
			rows.Template = fmt.Sprintf("%x", sha256.Sum256([]byte(template)))
		}
		ids, said, err := transformer.SaidIDs(t, template, variables, messages)
		if err != nil {
			return s, err
		}
		if o.Learn == Last {
			said = said[len(said)-1:]
		}
		s = train.Sequence{Tokens: ids, Learn: make([]bool, len(ids))}
		for _, turn := range said {
			for i := max(turn.From, 1); i < turn.To; i++ {
				s.Learn[i] = true
			}
		}
		return s, nil
	}, nil
}

// templateOf returns the template that a conversation is written in.
func templateOf(m *eval.Model, t *tokenizer.Tokenizer, variables record.Object, o Options) (string, error) {
	if o.Template != "" {
		return o.Template, nil
	}
	template, err := m.ChatTemplate(t, variables)
	if errors.Is(err, transformer.ErrNoTemplate) {
		err = fmt.Errorf("%w, in which conversations are written: give a Jinja file with --chat-template, or rows of another kind", err)
	}
	return template, err
}

// messagesOf reads the turns of a row.
func messagesOf(r record.Record) ([]chat.Message, error) {
	column, role, content := "messages", "role", "content"
	if !r.Has(column) {
		column, role, content = "conversations", "from", "value"
	}
	v, err := r.Get(column)
	if err != nil {
		return nil, fmt.Errorf("%w: want %s", err, chatColumns)
	}
	list, ok := v.(record.List)
	if !ok {
		if ints, is := v.([]int64); !is || len(ints) > 0 {
			return nil, fmt.Errorf("field %q: %s, want a list of messages", column, record.Kind(v))
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("field %q: empty: want a message or more", column)
	}
	messages := make([]chat.Message, len(list))
	for i, item := range list {
		o, ok := item.(record.Object)
		if !ok {
			return nil, fmt.Errorf("field %q: message %d is %s, want {%q, %q}", column, i+1, record.Kind(item), role, content)
		}
		if messages[i], err = messageOf(o, role, content); err != nil {
			return nil, fmt.Errorf("field %q: message %d: %w", column, i+1, err)
		}
	}
	return messages, nil
}

// messageOf reads one turn.
func messageOf(o record.Object, role, content string) (m chat.Message, err error) {
	r := record.Record{Fields: o}
	if m.Role, err = r.Text(role); err != nil {
		return m, err
	}
	if m.Content, err = r.Text(content); err != nil {
		if !r.Has(content) || r.Has("tool_calls") {
			err = fmt.Errorf("%w: calls of tools are not learned", err)
		}
		return m, err
	}
	if role == "from" {
		known, ok := speakers[m.Role]
		if !ok {
			return m, fmt.Errorf("field %q: %.64q is none of human, gpt, system, user, assistant, chatgpt", role, m.Role)
		}
		m.Role = known
		return m, nil
	}
	for _, f := range o {
		if f.Name == "tool_calls" && f.Value != nil {
			return m, fmt.Errorf("field %q: calls of tools are not learned: leave such rows out", f.Name)
		}
		if f.Name != role && f.Name != content {
			m.More = append(m.More, f)
		}
	}
	return m, nil
}

// toolsOf returns the row's tools, as a template sees them.
func toolsOf(r record.Record) (record.Object, error) {
	if !r.Has("tools") {
		return nil, nil
	}
	v, err := r.Get("tools")
	if err != nil {
		return nil, err
	}
	list, ok := v.(record.List)
	if !ok {
		return nil, fmt.Errorf("field %q: %s, want a list", "tools", record.Kind(v))
	}
	return record.Object{{Name: "tools", Value: list}}, nil
}
