'use strict'
// What a pointer or a key adds to a page that tells all without: below each picture a line
// that says the value under the pointer, or the one that arrow keys went to; the section in
// view is marked in the list of sections; what is folded is open on paper.
{
  const svgName = 'http://www.w3.org/2000/svg'

  // marksOf returns what can be pointed at in a picture: places in its own units, each with
  // a text. There are three kinds: elements that have a title of their own, the points of a
  // line with its values in data-points, and the cells of a grid that is too large to have a
  // title in each.
  const marksOf = svg => {
    const box = svg.getBoundingClientRect(), view = svg.viewBox.baseVal, scale = view.width / box.width
    const marks = []
    const add = (element, text) => {
      const r = element.getBoundingClientRect()
      marks.push({element, text, x: (r.left - box.left) * scale, y: (r.top - box.top) * scale, w: r.width * scale, h: r.height * scale})
    }
    for (const element of svg.querySelectorAll('*')) {
      const title = element.querySelector(':scope > title')
      if (element.dataset.points) {
        const values = element.dataset.points.split(' ')
        for (const [i, p] of [...element.points].entries())
          marks.push({element, line: true, text: `${title.textContent}: ${values[2 * i]}: ${values[2 * i + 1]}`, x: p.x - 4, y: p.y - 4, w: 8, h: 8})
      } else if (element.dataset.values) {
        const rows = element.dataset.values.split(';').map(row => row.split(' '))
        const cells = element.children
        rows.forEach((row, i) => row.forEach((v, j) => add(cells[i * row.length + j], `${i}, ${j}: ${v}`)))
      } else if (title && element !== svg) add(element, title.textContent)
    }
    for (const m of marks) { m.cx = m.x + m.w / 2; m.cy = m.y + m.h / 2 }
    return marks
  }

  const nearest = (marks, cost) => {
    let best = null, least = Infinity
    for (const m of marks) {
      const c = cost(m)
      if (least > c) { best = m; least = c }
    }
    return best
  }

  // follow gives a picture its line.
  const follow = (figure, number) => {
    const box = figure.querySelector('.picture'), svg = box && box.querySelector('svg')
    if (!svg || !svg.querySelector(':scope * > title, [data-values]')) return
    const line = document.createElement('p')
    const hint = 'Point at the picture, or press arrow keys in it, to read a value.'
    line.className = 'readout'
    line.id = 'readout-' + number
    line.setAttribute('role', 'status')
    line.textContent = hint
    box.after(line)
    box.setAttribute('role', 'application') // or a screen reader keeps the arrow keys
    box.setAttribute('aria-describedby', line.id)

    let marks = null, at = null, rings = []
    const show = mark => {
      for (const r of rings) r.remove()
      rings = []
      at = mark
      line.classList.toggle('told', Boolean(mark))
      line.textContent = mark ? mark.text : hint
      if (!mark) return
      for (const name of ['halo', 'ring']) {
        const r = document.createElementNS(svgName, 'rect')
        const room = mark.line ? 1 : 0
        for (const [key, v] of Object.entries({class: name, x: mark.x - room, y: mark.y - room, width: mark.w + 2 * room, height: mark.h + 2 * room, rx: mark.line ? 6 : 2}))
          r.setAttribute(key, v)
        svg.append(r)
        rings.push(r)
      }
    }
    const place = e => {
      const r = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / r.width
      return [(e.clientX - r.left) * scale, (e.clientY - r.top) * scale]
    }
    const point = e => {
      marks ??= marksOf(svg)
      const [x, y] = place(e)
      const outside = m => Math.hypot(Math.max(m.x - x, 0, x - m.x - m.w), Math.max(m.y - y, 0, y - m.y - m.h))
      const found = nearest(marks, m => outside(m) + Math.hypot(m.cx - x, m.cy - y) / 1e3)
      show(found && 16 > outside(found) ? found : null)
    }
    const steps = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}
    const key = e => {
      if (e.altKey || e.ctrlKey || e.metaKey) return
      const step = steps[e.key]
      if (e.key === 'Escape') return show(null)
      if (!step && e.key !== 'Home' && e.key !== 'End') return
      e.preventDefault()
      marks ??= marksOf(svg)
      if (!step || !at) show(e.key === 'End' ? marks.at(-1) : marks[0])
      else {
        const next = nearest(marks, m => {
          const [dx, dy] = [m.cx - at.cx, m.cy - at.cy]
          const ahead = dx * step[0] + dy * step[1], aside = Math.abs(dx * step[1]) + Math.abs(dy * step[0])
          return ahead > 0.5 ? ahead + 3 * aside : Infinity
        })
        if (next) show(next)
      }
      if (at) at.element.scrollIntoView({block: 'nearest', inline: 'nearest'})
    }
    svg.addEventListener('pointermove', point)
    svg.addEventListener('pointerdown', point)
    svg.addEventListener('pointerleave', () => show(null))
    box.addEventListener('keydown', key)
    new ResizeObserver(() => { marks = null }).observe(svg)
  }
  document.querySelectorAll('figure').forEach(follow)

  const links = new Map([...document.querySelectorAll('nav a')].map(a => [a.hash.slice(1), a]))
  const seen = new IntersectionObserver(entries => {
    for (const e of entries) {
      if (!e.isIntersecting || !links.has(e.target.id)) continue
      for (const a of links.values()) a.removeAttribute('aria-current')
      links.get(e.target.id).setAttribute('aria-current', 'true')
    }
  }, {rootMargin: '-20% 0px -70% 0px'})
  for (const s of document.querySelectorAll('section[id]')) seen.observe(s)

  let folded = []
  addEventListener('beforeprint', () => {
    folded = [...document.querySelectorAll('details.terms:not([open])')]
    for (const d of folded) d.open = true
  })
  addEventListener('afterprint', () => {
    for (const d of folded) d.open = false
  })
}
