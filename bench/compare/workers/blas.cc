// Measures matrix products of a BLAS (dlopen'd, cblas_sgemm) or, built with
// -DONEDNN and -ldnnl, of oneDNN: the better of dnnl_sgemm and the matmul
// primitive on plain layouts, whose weights are not packed beforehand.
//
// Request: gemm<TAB>M<TAB>N<TAB>K<TAB>batch<TAB>n|t<TAB>n|t<TAB>seconds
// Answer:  @@ {"seconds": median of one call}
#include <dlfcn.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#ifdef ONEDNN
#include <oneapi/dnnl/dnnl.hpp>
#endif

namespace {

using Sgemm = void (*)(int, int, int, int, int, int, float, const float *, int,
                       const float *, int, float, float *, int);

double seconds_now() {
  auto t = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(t).count();
}

// The median time of a call within the given seconds, after a warm-up.
double median_time(double seconds, const std::function<void()> &call) {
  double begin = seconds_now();
  call();
  double one = seconds_now() - begin;
  for (double end = seconds_now() + seconds / 4; one < seconds && seconds_now() < end;) call();
  std::vector<double> times;
  for (double end = seconds_now() + seconds; times.size() < 1 || seconds_now() < end;) {
    double t = seconds_now();
    call();
    times.push_back(seconds_now() - t);
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return times[times.size() / 2];
}

struct Product {
  long m, n, k, batch;
  bool ta, tb;
  std::vector<float> a, b, c;
};

void fill(std::vector<float> &v, size_t n, unsigned seed) {
  v.resize(n);
  for (auto &x : v) {
    seed = seed * 1664525u + 1013904223u;
    x = static_cast<float>(static_cast<int>(seed)) * (0.05f / 2147483648.0f);
  }
}

#ifdef ONEDNN
double measure(Product &p, double seconds) {
  using namespace dnnl;
  static engine cpu(engine::kind::cpu, 0);
  static stream queue(cpu);
  using tag = memory::format_tag;
  const auto f32 = memory::data_type::f32;
  memory::desc ad({p.batch, p.m, p.k}, f32, p.ta ? tag::acb : tag::abc);
  memory::desc bd({p.batch, p.k, p.n}, f32, p.tb ? tag::acb : tag::abc);
  memory::desc cd({p.batch, p.m, p.n}, f32, tag::abc);
#if DNNL_VERSION_MAJOR >= 3
  matmul::primitive_desc pd(cpu, ad, bd, cd);
#else
  matmul::primitive_desc pd({ad, bd, cd}, cpu);
#endif
  matmul product(pd);
  memory a(ad, cpu, p.a.data()), b(bd, cpu, p.b.data()), c(cd, cpu, p.c.data());
  auto primitive = [&] {
    product.execute(queue, {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}});
    queue.wait();
  };
  auto sgemm = [&] {
    for (long i = 0; i < p.batch; i++)
      dnnl_sgemm(p.ta ? 'T' : 'N', p.tb ? 'T' : 'N', p.m, p.n, p.k, 1, &p.a[i * p.m * p.k],
                 p.ta ? p.m : p.k, &p.b[i * p.k * p.n], p.tb ? p.k : p.n, 0,
                 &p.c[i * p.m * p.n], p.n);
  };
  return std::min(median_time(seconds, primitive), median_time(seconds, sgemm));
}

std::string version(const char *) {
  const dnnl_version_t *v = dnnl_version();
  return "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." +
         std::to_string(v->patch);
}
#else
Sgemm sgemm;

double measure(Product &p, double seconds) {
  const int row_major = 101, plain = 111, transposed = 112;
  return median_time(seconds, [&] {
    for (long i = 0; i < p.batch; i++)
      sgemm(row_major, p.ta ? transposed : plain, p.tb ? transposed : plain, p.m, p.n, p.k, 1,
            &p.a[i * p.m * p.k], p.ta ? p.m : p.k, &p.b[i * p.k * p.n], p.tb ? p.k : p.n, 0,
            &p.c[i * p.m * p.n], p.n);
  });
}

std::string version(const char *path) {
  void *library = dlopen(path, RTLD_NOW);
  if (!library) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  sgemm = reinterpret_cast<Sgemm>(dlsym(library, "cblas_sgemm"));
  if (!sgemm) {
    fprintf(stderr, "%s has no cblas_sgemm\n", path);
    exit(1);
  }
  auto config = reinterpret_cast<char *(*)()>(dlsym(library, "openblas_get_config"));
  return config ? config() : path;
}
#endif

void say(double seconds, const std::string &v) {
  rusage use;
  getrusage(RUSAGE_SELF, &use);
  printf("@@ {\"seconds\": %.9g, \"peak\": %ld, \"version\": \"%s\"}\n", seconds, use.ru_maxrss * 1024L,
         v.c_str());
  fflush(stdout);
}

}  // namespace

int main(int argc, char **argv) {
  std::string v = version(argc > 1 ? argv[1] : "");
  Product p{};
  char line[256];
  while (fgets(line, sizeof line, stdin)) {
    long m, n, k, batch;
    char a, b;
    double seconds;
    if (!strncmp(line, "hello", 5)) {
      say(0, v);
      continue;
    }
    if (sscanf(line, "gemm %ld %ld %ld %ld %c %c %lf", &m, &n, &k, &batch, &a, &b, &seconds) != 7) {
      printf("@@ {\"error\": \"what is asked for is unknown\"}\n");
      fflush(stdout);
      continue;
    }
    bool ta = a == 't', tb = b == 't';
    if (m != p.m || n != p.n || k != p.k || batch != p.batch || ta != p.ta || tb != p.tb) {
      p = Product{m, n, k, batch, ta, tb, {}, {}, {}};
      fill(p.a, m * k * batch, 1);
      fill(p.b, k * n * batch, 2);
      p.c.assign(m * n * batch, 0);
    }
    say(measure(p, seconds), v);
  }
}
