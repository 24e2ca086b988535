// Measures matrix products of a BLAS (dlopen'd, cblas_sgemm) or, built with
// -DONEDNN and -ldnnl, of oneDNN: the better of dnnl_sgemm and the matmul
// primitive on plain layouts, whose weights are not packed beforehand. Of type bf16
// oneDNN's operands lie in memory as BF16 and it is the better of a result in BF16
// and one in F32.
//
// Request: gemm<TAB>M<TAB>N<TAB>K<TAB>batch<TAB>n|t<TAB>n|t<TAB>f32|bf16<TAB>seconds
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
  bool ta, tb, bf16;
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
using dnnl::memory;

// The operands of a matmul primitive on plain layouts, and the call that runs it.
class Matmul {
 public:
  Matmul(Product &p, memory::data_type in, memory::data_type out)
      : cpu_(dnnl::engine::kind::cpu, 0), queue_(cpu_) {
    using tag = memory::format_tag;
    memory::dims ad{p.batch, p.m, p.k}, bd{p.batch, p.k, p.n}, cd{p.batch, p.m, p.n};
    tag at = p.ta ? tag::acb : tag::abc, bt = p.tb ? tag::acb : tag::abc;
    a_ = stored(ad, at, in, p.a), b_ = stored(bd, bt, in, p.b), c_ = stored(cd, tag::abc, out, p.c);
#if DNNL_VERSION_MAJOR >= 3
    dnnl::matmul::primitive_desc pd(cpu_, a_.get_desc(), b_.get_desc(), c_.get_desc());
#else
    dnnl::matmul::primitive_desc pd({a_.get_desc(), b_.get_desc(), c_.get_desc()}, cpu_);
#endif
    product_ = dnnl::matmul(pd);
  }

  void operator()() {
    product_.execute(queue_, {{DNNL_ARG_SRC, a_}, {DNNL_ARG_WEIGHTS, b_}, {DNNL_ARG_DST, c_}});
    queue_.wait();
  }

 private:
  // The values where they are, or a copy of them in another type.
  memory stored(const memory::dims &sizes, memory::format_tag tag, memory::data_type type,
                std::vector<float> &values) {
    memory plain({sizes, memory::data_type::f32, tag}, cpu_, values.data());
    if (type == memory::data_type::f32) return plain;
    memory other({sizes, type, tag}, cpu_);
    dnnl::reorder(plain, other).execute(queue_, plain, other);
    queue_.wait();
    return other;
  }

  dnnl::engine cpu_;
  dnnl::stream queue_;
  memory a_, b_, c_;
  dnnl::matmul product_;
};

double measure(Product &p, double seconds) {
  const auto f32 = memory::data_type::f32, bf16 = memory::data_type::bf16;
  if (p.bf16) {
    Matmul narrow(p, bf16, bf16), wide(p, bf16, f32);
    return std::min(median_time(seconds, std::ref(narrow)), median_time(seconds, std::ref(wide)));
  }
  Matmul primitive(p, f32, f32);
  auto sgemm = [&] {
    for (long i = 0; i < p.batch; i++)
      dnnl_sgemm(p.ta ? 'T' : 'N', p.tb ? 'T' : 'N', p.m, p.n, p.k, 1, &p.a[i * p.m * p.k],
                 p.ta ? p.m : p.k, &p.b[i * p.k * p.n], p.tb ? p.k : p.n, 0,
                 &p.c[i * p.m * p.n], p.n);
  };
  return std::min(median_time(seconds, std::ref(primitive)), median_time(seconds, sgemm));
}

const bool has_bf16 = true;

std::string version(const char *) {
  const dnnl_version_t *v = dnnl_version();
  return "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." +
         std::to_string(v->patch);
}
#else
const bool has_bf16 = false;
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
    char a, b, type[8];
    double seconds;
    if (!strncmp(line, "hello", 5)) {
      say(0, v);
      continue;
    }
    int fields = sscanf(line, "gemm %ld %ld %ld %ld %c %c %7s %lf", &m, &n, &k, &batch, &a, &b, type, &seconds);
    bool f32 = fields == 8 && !strcmp(type, "f32"), bf16 = fields == 8 && !strcmp(type, "bf16") && has_bf16;
    if (!f32 && !bf16) {
      printf("@@ {\"error\": \"what is asked for is unknown\"}\n");
      fflush(stdout);
      continue;
    }
    bool ta = a == 't', tb = b == 't';
    if (m != p.m || n != p.n || k != p.k || batch != p.batch || ta != p.ta || tb != p.tb || bf16 != p.bf16) {
      p = Product{m, n, k, batch, ta, tb, bf16, {}, {}, {}};
      fill(p.a, m * k * batch, 1);
      fill(p.b, k * n * batch, 2);
      p.c.assign(m * n * batch, 0);
    }
    say(measure(p, seconds), v);
  }
}
