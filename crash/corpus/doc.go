// Package corpus makes of the rows of a file what a decoder learns: token ids, and which of
// them are learned.
//
//	rows, err := corpus.Read(model, eval.Data{Path: "chats.jsonl"}, 0, corpus.Options{Learn: corpus.Answer, MaxLength: 1024})
//	objective, err := train.NewSequences(decoder, rows.Sequences)
//
// Rows are of one of the [Kinds], recognised by their columns: documents of a task (package
// eval/task), instructions as Stanford Alpaca has them, conversations. Texts can be packed
// into blocks of one length ([Pack]). It knows no objective and no model's insides.
//
// Invariants: rows keep the order of the file; errors name file and row; a row that is too
// long is cut from the left, where nothing is learned, and counted; into what is learned it
// is cut as task.Overlong says, and not in silence. The same files give the same ids on any
// day.
package corpus
