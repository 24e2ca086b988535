// Package browser opens the pages that lamina writes in Chromium. It is a module of its own,
// so that nothing of it comes near the binary. bash .ci/run browser runs it with what it needs:
//
//	LAMINA    the binary
//	AXE       axe.min.js of axe-core
//	DEMO      a finished demo to take; without it one is run
//	SHOTS     a folder for screenshots and the PDF of each page; none where it is not set
package browser
