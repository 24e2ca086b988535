// A surface that can be turned: below the picture of it, a canvas drawn from data-surface, and
// a button that lets it turn by itself. Dragging and arrow keys turn it; nothing moves where
// the reader asked for less motion, and none but the surface in view.
{
  const still = matchMedia('(prefers-reduced-motion: reduce)')
  const startTurn = -40, startTilt = 33, speed = 9 // degrees; of a second
  const radians = degrees => degrees * Math.PI / 180

  // colour maps t of [0, 1] as the picture does: lightness rises in equal steps of OKLab.
  const colour = t => {
    const d = 2 * t - 1, l = 0.26 + 0.68 * t, c = 0.087 + 0.055 * d * d, h = radians(290 - 185 * t)
    const a = c * Math.cos(h), b = c * Math.sin(h)
    const x = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3, y = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3, z = (l - 0.0894841775 * a - 1.291485548 * b) ** 3
    const channel = v => {
      const u = Math.min(Math.max(v, 0), 1)
      return Math.round(255 * (0.0031308 >= u ? 12.92 * u : 1.055 * u ** (1 / 2.4) - 0.055))
    }
    return `rgb(${channel(4.0767416621 * x - 3.3077115913 * y + 0.2309699292 * z)} ${channel(-1.2684380046 * x + 2.6097574011 * y - 0.3413193965 * z)} ${channel(-0.0041960863 * x - 0.7034186147 * y + 1.707614701 * z)})`
  }

  const short = v => String(Number(v.toPrecision(4)))
  const known = v => v !== null && v !== undefined

  const show = scene => {
    const s = JSON.parse(scene.dataset.surface)
    const all = s.values.flat().concat((s.spots || []).map(p => p.value)).filter(known)
    if (all.length === 0) return
    const low = all.reduce((a, b) => Math.min(a, b)), high = all.reduce((a, b) => Math.max(a, b)), range = high > low ? high - low : 1
    const share = v => (v - low) / range
    const unit = axis => v => (v - axis[0]) / (axis.at(-1) - axis[0]) - 0.5
    const ux = unit(s.x), uy = unit(s.y)

    const canvas = document.createElement('canvas'), bar = document.createElement('p'), button = document.createElement('button'), hint = document.createElement('span')
    canvas.tabIndex = 0
    canvas.setAttribute('role', 'application')
    canvas.setAttribute('aria-label', `${s.label} over ${s.xlabel} and ${s.ylabel}, as a landscape: arrow keys turn and tilt it, Home puts it back. The table below has its values.`)
    button.type = 'button'
    hint.setAttribute('role', 'status')
    bar.className = 'readout turning'
    bar.append(button, hint)
    scene.append(canvas, bar)
    const pen = canvas.getContext('2d')
    const asked = 'Drag the landscape, or press arrow keys on it, to turn it.'
    hint.textContent = asked

    let turn = startTurn, tilt = startTilt, running = false, visible = false, due = 0, last = 0, spots = []

    // project returns pixels and depth of a place: u and v in [-1/2, 1/2], height in [0, 1].
    const project = (u, v, h) => {
      const [c, d] = [Math.cos(radians(turn)), Math.sin(radians(turn))], [p, q] = [Math.cos(radians(tilt)), Math.sin(radians(tilt))]
      const a = u * c - v * d, b = u * d + v * c, size = Math.min(canvas.width * 0.6, canvas.height * 0.78)
      const z = 0.6 * (h - 0.5)
      return {x: canvas.width / 2 + a * size, y: canvas.height * 0.5 - (b * q + z * p) * size, depth: b * p - z * q}
    }
    const theme = name => getComputedStyle(scene).getPropertyValue(name).trim()

    const draw = now => {
      due = 0
      if (running && visible) {
        turn += speed * Math.min(now - last, 100) / 1000
        last = now
        ask()
      }
      const ink = theme('--ink'), muted = theme('--muted'), paper = theme('--paper'), scale = canvas.width / canvas.clientWidth
      pen.clearRect(0, 0, canvas.width, canvas.height)
      pen.lineJoin = 'round'
      const path = (points, close) => {
        pen.beginPath()
        points.forEach((p, i) => i ? pen.lineTo(p.x, p.y) : pen.moveTo(p.x, p.y))
        if (close) pen.closePath()
      }
      const floor = [[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]
      pen.lineWidth = scale
      pen.strokeStyle = muted
      path(floor.map(([u, v]) => project(u, v, 0)), true)
      pen.stroke()

      const facets = []
      for (let i = 0; s.y.length - 1 > i; i++)
        for (let j = 0; s.x.length - 1 > j; j++) {
          const values = [s.values[i][j], s.values[i][j + 1], s.values[i + 1][j + 1], s.values[i + 1][j]]
          if (!values.every(known)) continue
          const at = [[s.x[j], s.y[i]], [s.x[j + 1], s.y[i]], [s.x[j + 1], s.y[i + 1]], [s.x[j], s.y[i + 1]]].map(([x, y], k) => project(ux(x), uy(y), share(values[k])))
          facets.push({at, depth: at[0].depth + at[1].depth + at[2].depth + at[3].depth, fill: colour(share(values.reduce((a, b) => a + b) / 4))})
        }
      facets.sort((a, b) => b.depth - a.depth)
      pen.strokeStyle = 'rgb(0 0 0 / 35%)'
      pen.lineWidth = scale * 0.5
      for (const f of facets) {
        path(f.at, true)
        pen.fillStyle = f.fill
        pen.fill()
        pen.stroke()
      }

      const write = (text, p, dx, dy, align) => {
        pen.font = `${12 * scale}px system-ui, "Liberation Sans", Arial, sans-serif`
        pen.textAlign = align
        pen.lineWidth = 3 * scale
        pen.strokeStyle = paper
        pen.strokeText(text, p.x + dx * scale, p.y + dy * scale)
        pen.fillStyle = ink
        pen.fillText(text, p.x + dx * scale, p.y + dy * scale)
      }
      // Labels stand at the edges of the floor that are nearest to the eye.
      const nearest = list => list.reduce((a, b) => a.depth > b.depth ? b : a)
      write(s.xlabel, nearest([-0.5, 0.5].map(v => project(0, v, 0))), 0, 26, 'center')
      write(s.ylabel, nearest([-0.5, 0.5].map(u => project(u, 0, 0))), 0, 26, 'center')
      const corners = [[s.x[0], s.y[0]], [s.x.at(-1), s.y[0]], [s.x.at(-1), s.y.at(-1)], [s.x[0], s.y.at(-1)]]
        .map(([x, y]) => ({...project(ux(x), uy(y), 0), text: `(${short(x)}, ${short(y)})`}))
      const hidden = Math.max(...corners.map(c => c.depth))
      for (const c of corners) if (hidden > c.depth) write(c.text, c, 0, 14, 'center')

      spots = []
      for (const p of (s.spots || [])) {
        if (!known(p.value) || p.x > s.x.at(-1) || s.x[0] > p.x || p.y > s.y.at(-1) || s.y[0] > p.y) continue
        const head = project(ux(p.x), uy(p.y), share(p.value)), foot = project(ux(p.x), uy(p.y), 0)
        pen.lineWidth = scale
        pen.strokeStyle = ink
        pen.setLineDash([4 * scale, 3 * scale])
        path([foot, head])
        pen.stroke()
        pen.setLineDash([])
        pen.beginPath()
        pen.arc(head.x, head.y, 5 * scale, 0, 2 * Math.PI)
        pen.fillStyle = 'white'
        pen.fill()
        pen.strokeStyle = 'black'
        pen.lineWidth = 1.4 * scale
        pen.stroke()
        write(p.name, head, 9, -7, 'left')
        spots.push({...head, text: `${p.name} (${short(p.x)}, ${short(p.y)}): ${short(p.value)}`})
      }
    }
    const ask = () => { due ||= requestAnimationFrame(draw) }

    const run = on => {
      running = on
      last = performance.now()
      button.textContent = on ? 'Stop turning' : 'Turn'
      ask()
    }
    const tell = () => { hint.textContent = `Turned by ${Math.round(((turn - startTurn) % 360 + 360) % 360)} degrees, seen from ${Math.round(tilt)} degrees above.` }
    const move = (dTurn, dTilt) => {
      turn += dTurn
      tilt = Math.min(Math.max(tilt + dTilt, 5), 90)
      ask()
    }

    button.addEventListener('click', () => run(!running))
    const keys = {ArrowLeft: [-6, 0], ArrowRight: [6, 0], ArrowUp: [0, 5], ArrowDown: [0, -5]}
    canvas.addEventListener('keydown', e => {
      if (e.altKey || e.ctrlKey || e.metaKey || !keys[e.key] && e.key !== 'Home') return
      e.preventDefault()
      run(false)
      if (e.key === 'Home') [turn, tilt] = [startTurn, startTilt]
      else move(...keys[e.key])
      tell()
      ask()
    })
    let held = null // where the pointer that turns was last
    canvas.addEventListener('pointerdown', e => {
      run(false)
      canvas.setPointerCapture(e.pointerId)
      held = [e.clientX, e.clientY]
    })
    canvas.addEventListener('pointermove', e => {
      if (held) {
        move((e.clientX - held[0]) * 0.5, e.pointerType === 'touch' ? 0 : (e.clientY - held[1]) * 0.4)
        held = [e.clientX, e.clientY]
        return
      }
      const scale = canvas.width / canvas.clientWidth
      const near = spots.find(p => 12 * scale > Math.hypot(p.x - e.offsetX * scale, p.y - e.offsetY * scale))
      const text = near ? near.text : asked
      if (hint.textContent !== text) hint.textContent = text
    })
    for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, () => {
      held = null
      tell()
    })
    new ResizeObserver(() => {
      const ratio = Math.min(devicePixelRatio || 1, 2)
      canvas.width = Math.round(canvas.clientWidth * ratio)
      canvas.height = Math.round(canvas.clientHeight * ratio)
      ask()
    }).observe(canvas)
    new IntersectionObserver(entries => {
      visible = entries.at(-1).isIntersecting
      last = performance.now()
      if (visible) ask()
    }).observe(canvas)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', ask)
    still.addEventListener('change', () => { if (still.matches) run(false) })
    run(!still.matches)
  }

  for (const scene of document.querySelectorAll('.scene[data-surface]')) show(scene)
}
