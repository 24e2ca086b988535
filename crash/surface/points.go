package surface

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"lamina/internal/files"
)

// Point is a place that was measured.
type Point struct {
	At []Number `json:"at"` // coordinates, one for each direction
	Measured
}

// Points keeps what was measured, by the name of a line or plane and by coordinates, in
// memory and, if it has a directory, there: DIR/config.json has the settings that all of it
// was measured by, and DIR/points/NAME.json the points.
type Points struct {
	dir     string
	release func()
	known   map[string][]Point
	index   map[pointKey]int
	saved   time.Time
	dirty   map[string]bool
}

type pointKey struct {
	name string
	a, b float64
}

func keyOf(name string, at []float64) pointKey {
	k := pointKey{name: name, a: at[0]}
	if len(at) > 1 {
		k.b = at[1]
	}
	return k
}

// maxPoints bounds a file of points.
const maxPoints = 1 << 30

// saveEvery is the least time between two writings of points: those of a small model take
// less than that.
const saveEvery = 2 * time.Second

// OpenPoints makes or goes on in a directory of points; "" keeps them in memory alone.
// settings is all that a point's numbers depend on beside its coordinates, as JSON; a
// directory of others is refused with the first differences, unless overwrite is set.
func OpenPoints(dir string, settings []byte, overwrite bool) (*Points, error) {
	p := &Points{dir: dir, known: map[string][]Point{}, index: map[pointKey]int{}, dirty: map[string]bool{}, release: func() {}}
	if dir == "" {
		return p, nil
	}
	release, err := files.Begin(dir, settings, overwrite)
	if err != nil {
		return nil, err
	}
	p.release = release
	inside := filepath.Join(dir, "points")
	err = files.WriteSettings(dir, settings, overwrite, func() error { return files.Remove(inside) })
	if err == nil {
		err = files.MkdirAll(inside, 0o755)
	}
	if err == nil {
		err = files.Sweep(inside, true)
	}
	if err != nil {
		release()
		return nil, err
	}
	return p, nil
}

// pointFile is points/NAME.json.
type pointFile struct {
	Points []Point `json:"points"`
}

func (p *Points) file(name string) string { return filepath.Join(p.dir, "points", name+".json") }

// load reads what is kept under a name, of so many coordinates.
func (p *Points) load(name string, coordinates int) error {
	if _, ok := p.known[name]; ok || p.dir == "" {
		return nil
	}
	var have pointFile
	err := files.ReadSealed(p.file(name), maxPoints, &have)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err == nil && slices.ContainsFunc(have.Points, func(q Point) bool { return len(q.At) != coordinates }) {
		err = fmt.Errorf("%s: points of other coordinates", p.file(name))
	}
	if err != nil {
		return fmt.Errorf("%w: choose another --out or pass --overwrite", err)
	}
	p.known[name] = nil
	for _, q := range have.Points {
		p.put(name, q)
	}
	return nil
}

func (p *Points) put(name string, q Point) {
	at := make([]float64, len(q.At))
	for i, x := range q.At {
		at[i] = float64(x)
	}
	p.index[keyOf(name, at)] = len(p.known[name])
	p.known[name] = append(p.known[name], q)
}

// get returns the point of coordinates, if it was measured.
func (p *Points) get(name string, at []float64) (Point, bool) {
	i, ok := p.index[keyOf(name, at)]
	if !ok {
		return Point{}, false
	}
	return p.known[name][i], true
}

// note adds a point, and writes it when the last writing is some time ago.
func (p *Points) note(name string, at []float64, m Measured) (Point, error) {
	q := Point{Measured: m}
	for _, x := range at {
		q.At = append(q.At, Number(x))
	}
	p.put(name, q)
	p.dirty[name] = true
	if time.Since(p.saved) < saveEvery {
		return q, nil
	}
	return q, p.Save()
}

// Save writes what is not written yet.
func (p *Points) Save() error {
	if p.dir == "" {
		return nil
	}
	for name := range p.dirty {
		if err := files.WriteSealed(p.file(name), pointFile{p.known[name]}); err != nil {
			return err
		}
		delete(p.dirty, name)
	}
	p.saved = time.Now()
	return nil
}

// Close saves, and lets another process go on there.
func (p *Points) Close() error {
	err := p.Save()
	p.release()
	return err
}
