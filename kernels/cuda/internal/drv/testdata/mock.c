// A stand-in for libcuda with the prototypes of cuda.h: each call is written to a log with
// its arguments as C sees them, so that a test sees whether they came over whole. Memory
// is the host's, work is done at once. Behind the real cuda.h it is compiled too, by
// TestHeader, which holds the prototypes against that.
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef CUDA_VERSION
typedef int CUresult, CUdevice, CUdevice_attribute, CUjit_option, CUfunction_attribute, CUgraphNodeType, CUstreamCaptureMode;
typedef unsigned long long CUdeviceptr;
typedef struct context *CUcontext;
typedef struct stream *CUstream;
typedef struct event *CUevent;
typedef struct module *CUmodule;
typedef struct function *CUfunction;
typedef struct graph *CUgraph;
typedef struct node *CUgraphNode;
typedef struct exec *CUgraphExec;
typedef struct { char bytes[16]; } CUuuid;
typedef struct {
	CUfunction func;
	unsigned int gridDimX, gridDimY, gridDimZ, blockDimX, blockDimY, blockDimZ, sharedMemBytes;
	void **kernelParams, **extra;
} CUDA_KERNEL_NODE_PARAMS_v1;
#endif

static char text[1 << 16];
static size_t used;
static __thread CUcontext current;

static void say(const char *format, ...) {
	va_list list;
	va_start(list, format);
	used += vsnprintf(text + used, sizeof text - used, format, list);
	va_end(list);
}

// mockLog returns what was said since the last call.
const char *mockLog(void);
const char *mockLog(void) {
	static char last[sizeof text];
	memcpy(last, text, sizeof text);
	used = 0;
	text[0] = 0;
	return last;
}

#define BOUND if (current != (CUcontext)0xC0) return 201

CUresult cuInit(unsigned int flags) { say("cuInit %u\n", flags); return 0; }
CUresult cuDriverGetVersion(int *version) { *version = 12040; return 0; }
CUresult cuGetErrorName(CUresult code, const char **name) { *name = "CUDA_ERROR_MOCK"; return code == 719 ? 0 : 1; }
CUresult cuGetErrorString(CUresult code, const char **words) { *words = "words of the mock"; return code == 719 ? 0 : 1; }
CUresult cuDeviceGetCount(int *n) { *n = 2; return 0; }
CUresult cuDeviceGet(CUdevice *d, int n) { *d = n; return 0; }
CUresult cuDeviceGetName(char *name, int len, CUdevice d) { snprintf(name, len, "Mock %d", d); return 0; }
CUresult cuDeviceGetUuid(CUuuid *u, CUdevice d) { memset(u, 0x10 + d, sizeof *u); return 0; }
CUresult cuDeviceGetAttribute(int *v, CUdevice_attribute attribute, CUdevice d) { *v = attribute == 20 ? 0 : attribute; return 0; }
CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice d) { *bytes = ((size_t)80 << 30) + d; return 0; }
CUresult cuDevicePrimaryCtxRetain(CUcontext *c, CUdevice d) { say("retain %d\n", d); *c = (CUcontext)0xC0; return 0; }
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice d) { say("release %d\n", d); return 0; }
CUresult cuCtxSetCurrent(CUcontext c) { current = c; return 0; }
CUresult cuMemGetInfo_v2(size_t *free, size_t *total) { BOUND; *free = (size_t)5 << 32; *total = (size_t)6 << 32; return 0; }
CUresult cuMemAlloc_v2(CUdeviceptr *p, size_t n) { BOUND; if (n > (size_t)1 << 32) return 2; *p = (CUdeviceptr)calloc(1, n); return 0; }
CUresult cuMemFree_v2(CUdeviceptr p) { BOUND; free((void *)p); return 0; }
CUresult cuMemHostAlloc(void **p, size_t n, unsigned int flags) { BOUND; say("host %zu flags %u\n", n, flags); *p = malloc(n); return 0; }
CUresult cuMemFreeHost(void *p) { BOUND; free(p); return 0; }
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr d, const void *s, size_t n, CUstream q) { BOUND; say("in %zu on %p\n", n, (void *)q); memcpy((void *)d, s, n); return 0; }
CUresult cuMemcpyDtoHAsync_v2(void *d, CUdeviceptr s, size_t n, CUstream q) { BOUND; say("out %zu on %p\n", n, (void *)q); memcpy(d, (void *)s, n); return 0; }
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr d, CUdeviceptr s, size_t n, CUstream q) { BOUND; say("copy %zu on %p\n", n, (void *)q); memcpy((void *)d, (void *)s, n); return 0; }
CUresult cuMemsetD8Async(CUdeviceptr d, unsigned char v, size_t n, CUstream q) { BOUND; if (v == 0x71) return 719; memset((void *)d, v, n); return 0; }
CUresult cuMemsetD32Async(CUdeviceptr d, unsigned int v, size_t n, CUstream q) { BOUND; while (n--) ((unsigned int *)d)[n] = v; return 0; }
CUresult cuStreamCreate(CUstream *q, unsigned int flags) { BOUND; say("stream flags %u\n", flags); *q = (CUstream)0x57; return 0; }
CUresult cuStreamDestroy_v2(CUstream q) { BOUND; say("destroy stream %p\n", (void *)q); return 0; }
CUresult cuStreamSynchronize(CUstream q) { BOUND; return q == (CUstream)0x57 ? 0 : 400; }
CUresult cuStreamQuery(CUstream q) { BOUND; return 600; }
CUresult cuStreamWaitEvent(CUstream q, CUevent e, unsigned int flags) { BOUND; say("wait %p %p %u\n", (void *)q, (void *)e, flags); return 0; }
CUresult cuStreamBeginCapture_v2(CUstream q, CUstreamCaptureMode mode) { BOUND; say("capture %p mode %d\n", (void *)q, mode); return 0; }
CUresult cuStreamEndCapture(CUstream q, CUgraph *g) { BOUND; *g = (CUgraph)0x69; return 0; }
CUresult cuEventCreate(CUevent *e, unsigned int flags) { BOUND; say("event flags %u\n", flags); *e = (CUevent)0xE1; return 0; }
CUresult cuEventRecord(CUevent e, CUstream q) { BOUND; say("record %p %p\n", (void *)e, (void *)q); return 0; }
CUresult cuEventQuery(CUevent e) { BOUND; return 0; }
CUresult cuEventSynchronize(CUevent e) { BOUND; return 0; }
CUresult cuEventDestroy_v2(CUevent e) { BOUND; return 0; }

CUresult cuModuleLoadDataEx(CUmodule *m, const void *image, unsigned int n, CUjit_option *options, void **values) {
	BOUND;
	say("load %zu bytes %u options\n", strlen(image), n);
	for (unsigned int i = 0; i < n; i++)
		if (options[i] == 5 && !strcmp(image, "bad"))
			snprintf(values[i], (size_t)values[i + 1], "line 7: the mock knows no such instruction\n");
	*m = (CUmodule)0x3D;
	return strcmp(image, "bad") ? 0 : 218;
}
CUresult cuModuleGetFunction(CUfunction *f, CUmodule m, const char *name) { BOUND; say("function %p %s\n", (void *)m, name); *f = (CUfunction)0xF0; return 0; }
CUresult cuModuleUnload(CUmodule m) { BOUND; say("unload %p\n", (void *)m); return 0; }
CUresult cuFuncSetAttribute(CUfunction f, CUfunction_attribute attribute, int v) { BOUND; say("attribute %p %d %d\n", (void *)f, attribute, v); return 0; }
CUresult cuFuncGetAttribute(int *v, CUfunction_attribute attribute, CUfunction f) { BOUND; *v = 100 + attribute; return 0; }

static void sayParams(void **extra) {
	size_t n = *(size_t *)extra[3];
	say(" keys %zu %zu %zu, %zu bytes:", (size_t)extra[0], (size_t)extra[2], (size_t)extra[4], n);
	for (size_t i = 0; i < n; i++)
		say(" %02x", ((unsigned char *)extra[1])[i]);
	say("\n");
}

CUresult cuLaunchKernel(CUfunction f, unsigned int gx, unsigned int gy, unsigned int gz, unsigned int bx, unsigned int by, unsigned int bz,
	unsigned int shared, CUstream q, void **params, void **extra) {
	BOUND;
	say("launch %p grid %u %u %u block %u %u %u shared %u on %p params %p", (void *)f, gx, gy, gz, bx, by, bz, shared, (void *)q, (void *)params);
	sayParams(extra);
	return 0;
}
CUresult cuGraphGetNodes(CUgraph g, CUgraphNode *nodes, size_t *n) { BOUND; if (nodes) nodes[0] = (CUgraphNode)0xA1, nodes[1] = (CUgraphNode)0xA0; *n = 2; return 0; }
CUresult cuGraphGetEdges(CUgraph g, CUgraphNode *from, CUgraphNode *to, size_t *n) { BOUND; if (from) from[0] = (CUgraphNode)0xA0, to[0] = (CUgraphNode)0xA1; *n = 1; return 0; }
CUresult cuGraphNodeGetType(CUgraphNode n, CUgraphNodeType *type) { BOUND; *type = n == (CUgraphNode)0xA1 ? 1 : 0; return 0; }
CUresult cuGraphKernelNodeGetParams(CUgraphNode n, CUDA_KERNEL_NODE_PARAMS_v1 *p) {
	BOUND;
	CUDA_KERNEL_NODE_PARAMS_v1 made = {(CUfunction)0xF0, 1, 2, 3, 4, 5, 6, 7, NULL, NULL};
	*p = made;
	return 0;
}
CUresult cuGraphInstantiateWithFlags(CUgraphExec *e, CUgraph g, unsigned long long flags) { BOUND; say("instantiate %p %llu\n", (void *)g, flags); *e = (CUgraphExec)0xE0; return 0; }
CUresult cuGraphExecKernelNodeSetParams(CUgraphExec e, CUgraphNode n, const CUDA_KERNEL_NODE_PARAMS_v1 *p) {
	BOUND;
	say("set %p %p %p grid %u %u %u block %u %u %u shared %u params %p", (void *)e, (void *)n, (void *)p->func, p->gridDimX, p->gridDimY, p->gridDimZ,
		p->blockDimX, p->blockDimY, p->blockDimZ, p->sharedMemBytes, (void *)p->kernelParams);
	sayParams(p->extra);
	return 0;
}
CUresult cuGraphLaunch(CUgraphExec e, CUstream q) { BOUND; say("graph %p on %p\n", (void *)e, (void *)q); return 0; }
CUresult cuGraphExecDestroy(CUgraphExec e) { BOUND; return 0; }
CUresult cuGraphDestroy(CUgraph g) { BOUND; return 0; }
