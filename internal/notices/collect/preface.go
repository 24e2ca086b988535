package main

// preface says what the texts below it are for.
const preface = `LICENCES OF LAMINA AND OF WHAT IS COMPILED INTO IT

Lamina is under the Apache License 2.0, the first text below. Its binary contains the
modules in the list at the end of this page, whose texts follow, and:

Go's standard library and runtime: copyright 2009 The Go Authors, under the text that
names golang.org/x/sys, with the same grant of patents.

Fonts: Liberation Mono, Sans and Serif 2.1.4, for PNG pictures. Digitized data copyright
(c) 2010 Google Corporation with Reserved Font Arimo, Tinos and Cousine; copyright (c)
2012 Red Hat, Inc. with Reserved Font Name Liberation. They are under the SIL Open Font
License 1.1, the text that names LICENSE-SIL, and are not changed.

FreeType: of the two licences of github.com/golang/freetype, the FreeType License is the
one chosen. Portions of this software are copyright (c) 1996-2010 The FreeType Project
(www.freetype.org) and The Freetype-Go Authors. All rights reserved.

Unicode: tables of characters in golang.org/x/text, github.com/dlclark/regexp2/v2,
github.com/rivo/uniseg, github.com/mattn/go-runewidth and Go's library are made from
data of Unicode, Inc., under the text that names UNICODE-LICENSE.txt.

Prompts of tasks: what stands around the questions of a benchmark is worded as EleutherAI's
lm-evaluation-harness words it (MIT License, below); no code of it is used.

The demo's model, its stories and the files of tests are Lamina's own, made by programs in
its repository; where these ran Python libraries, the files hold what those computed. One
holds others' work too, and is in the repository alone: transformer/testdata/smollm2 has
what SmolLM2-135M-Instruct (Hugging Face, Apache License 2.0) says to twenty questions of
ARC-Easy (Clark et al., Allen Institute for AI, CC BY-SA 4.0), as token ids.

`

// harness is the licence of lm-evaluation-harness, which no module holds.
const harness = `MIT License

Copyright (c) 2020 EleutherAI

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
`
