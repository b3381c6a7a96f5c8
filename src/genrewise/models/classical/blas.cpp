#include "genrewise/models/classical/blas.hpp"

#include <cblas.h>
#include <sched.h>
#include <sys/mman.h>

#include <limits>
#include <mutex>
#include <new>
#include <numeric>

#include "genrewise/base/error.hpp"
#include "genrewise/base/shared_library.hpp"
#include "genrewise/models/loaded_libraries.hpp"

extern "C" {
void dsyevd_(const char* job, const char* triangle, const int* n, double* a, const int* lda, double* w, double* work,
             const int* lwork, int* iwork, const int* liwork, int* info);
void dpotrf_(const char* triangle, const int* n, double* a, const int* lda, int* info);
void dpotrs_(const char* triangle, const int* n, const int* sides, const double* a, const int* lda, double* b,
             const int* ldb, int* info);
void dgeqrf_(const int* m, const int* n, double* a, const int* lda, double* tau, double* work, const int* lwork,
             int* info);
void dorgqr_(const int* m, const int* n, const int* k, double* a, const int* lda, const double* tau, double* work,
             const int* lwork, int* info);
}

namespace genrewise::blas {
namespace {

constexpr std::size_t kRowBlock = 512;  // rows of one product in a loop over blocks
constexpr std::size_t kSide = 1024;     // side of a block of a product of columns
constexpr std::size_t kLeastStrip = 128, kMostStrip = 2048, kStrips = 32;
constexpr std::size_t kSumBlock = 1024;  // rows whose products are summed in float before they are added to double

constexpr SharedLibrary kOpenBlas{GENREWISE_LIBOPENBLAS, "OpenBLAS"};

/// While it is loaded, OpenBLAS starts a thread for each processor of the calling thread, and a program that lacks
/// memory for their buffers never ends. On one processor it starts none.
bool load_openblas() {
  cpu_set_t all, one;
  const bool is_known = ::sched_getaffinity(0, sizeof all, &all) == 0;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(::sched_getcpu()), &one);
  if (is_known) ::sched_setaffinity(0, sizeof one, &one);
  kOpenBlas.find("cblas_sgemm");
  if (is_known) ::sched_setaffinity(0, sizeof all, &all);
  return true;
}

struct Symbol {
  void* address;
  template <class Function>
  operator Function*() const {  // NOLINT: meant to convert
    return reinterpret_cast<Function*>(address);
  }
};

Symbol find(const char* name) {
  [[maybe_unused]] static const bool is_loaded = load_openblas();
  return {kOpenBlas.find(name)};
}

struct OpenBlas {
  decltype(&cblas_sgemm) sgemm = find("cblas_sgemm");
  decltype(&cblas_dgemm) dgemm = find("cblas_dgemm");
  decltype(&cblas_dsyrk) dsyrk = find("cblas_dsyrk");
  decltype(&cblas_dtrsv) dtrsv = find("cblas_dtrsv");
  decltype(&dsyevd_) dsyevd = find("dsyevd_");
  decltype(&dpotrf_) dpotrf = find("dpotrf_");
  decltype(&dpotrs_) dpotrs = find("dpotrs_");
  decltype(&dgeqrf_) dgeqrf = find("dgeqrf_");
  decltype(&dorgqr_) dorgqr = find("dorgqr_");
  decltype(&openblas_get_num_threads) threads = find("openblas_get_num_threads");
  decltype(&openblas_set_num_threads) set_threads = find("openblas_set_num_threads");
};

/// OpenBLAS waits for ever for the buffer of a thread that gets none. Throws std::bad_alloc.
bool check_memory() {
  constexpr std::size_t kBuffer = std::size_t{129} << 20;  // of address space; few of its pages are used
  void* buffer = ::mmap(nullptr, kBuffer, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (buffer == MAP_FAILED) throw std::bad_alloc();
  return ::munmap(buffer, kBuffer) == 0;
}

/// For the calling thread. Another library (libtorch) may set the number of threads; this resets it.
const OpenBlas& openblas() {
  static std::mutex mutex;
  static const OpenBlas loaded;
  [[maybe_unused]] thread_local const bool has_memory = check_memory();
  if (loaded.threads() != 1) {
    const std::lock_guard lock(mutex);
    loaded.set_threads(1);
  }
  return loaded;
}

template <class T>
struct Shape {
  int m, n, k, lda, ldb, ldc;
  CBLAS_TRANSPOSE ta, tb;
  Shape(Form form, const View<const T>& a, const View<const T>& b, const View<T>& c)
      : m(static_cast<int>(c.rows)),
        n(static_cast<int>(c.cols)),
        k(static_cast<int>(form == Form::tn ? a.rows : a.cols)),
        lda(static_cast<int>(a.stride)),
        ldb(static_cast<int>(b.stride)),
        ldc(static_cast<int>(c.stride)),
        ta(form == Form::tn ? CblasTrans : CblasNoTrans),
        tb(form == Form::nt ? CblasTrans : CblasNoTrans) {}
};

/// sum += a_block^T * b_block for all blocks of rows, in order.
void add_products(View<const float> a, View<const float> b, double* sum, std::size_t sum_stride) {
  std::vector<float> part(a.cols * b.cols);
  const View<float> part_view(part.data(), a.cols, b.cols);
  for (std::size_t first = 0; first < a.rows; first += kSumBlock) {
    const std::size_t count = std::min(kSumBlock, a.rows - first);
    multiply(Form::tn, 1.0f, a.rows_from(first, count), b.rows_from(first, count), 0.0f, part_view);
    for (std::size_t i = 0; i < a.cols; ++i) add(1, std::span(part).subspan(i * b.cols, b.cols), sum + i * sum_stride);
  }
}

}  // namespace

void multiply(Form form, float alpha, View<const float> a, View<const float> b, float beta, View<float> c) {
  if (c.rows == 0 || c.cols == 0) return;
  const Shape<float> s(form, a, b, c);
  openblas().sgemm(CblasRowMajor, s.ta, s.tb, s.m, s.n, s.k, alpha, a.data, s.lda, b.data, s.ldb, beta, c.data, s.ldc);
}

void multiply(Form form, double alpha, View<const double> a, View<const double> b, double beta, View<double> c) {
  if (c.rows == 0 || c.cols == 0) return;
  const Shape<double> s(form, a, b, c);
  openblas().dgemm(CblasRowMajor, s.ta, s.tb, s.m, s.n, s.k, alpha, a.data, s.lda, b.data, s.ldb, beta, c.data, s.ldc);
}

Matrix product(Form form, const Matrix& a, const Matrix& b) {
  Matrix c(a.rows(), form == Form::nt ? b.rows() : b.cols());
  const View<const float> av(a), bv(b);
  const View<float> cv(c);
  for_blocks(a.rows(), kRowBlock, [&](std::size_t first, std::size_t count) {
    multiply(form, 1.0f, av.rows_from(first, count), bv, 0.0f, cv.rows_from(first, count));
  });
  return c;
}

std::vector<double> product_tn(View<const float> a, View<const float> b) {
  std::vector<double> sum(a.cols * b.cols);
  const std::size_t across = (b.cols + kSide - 1) / kSide, down = (a.cols + kSide - 1) / kSide;
  parallel_for(across * down, [&](std::size_t index, int) {
    const std::size_t row = index / across * kSide, col = index % across * kSide;
    add_products(a.block(0, row, a.rows, std::min(kSide, a.cols - row)),
                 b.block(0, col, b.rows, std::min(kSide, b.cols - col)), sum.data() + row * b.cols + col, b.cols);
  });
  return sum;
}

std::vector<double> gram_of_columns(View<const float> a) {
  std::vector<double> sum(a.cols * a.cols);
  fill_symmetric(sum.data(), a.cols, [&](std::size_t row, std::size_t col, View<double> tile) {
    add_products(a.block(0, row, a.rows, tile.rows), a.block(0, col, a.rows, tile.cols), tile.data, tile.stride);
  });
  return sum;
}

std::vector<double> scatter(View<const float> rows, std::span<const double> mean) {
  constexpr std::size_t kBlock = 256;
  std::vector<double> sum(rows.cols * rows.cols);
  fill_symmetric(sum.data(), rows.cols, [&](std::size_t row, std::size_t col, View<double> tile) {
    std::vector<double> left(kBlock * tile.rows), right(kBlock * tile.cols);
    const auto centred = [&](std::vector<double>& out, std::size_t at, std::size_t first, View<double> like) {
      for (std::size_t i = 0; i < like.rows; ++i)
        for (std::size_t j = 0; j < like.cols; ++j)
          out[i * like.cols + j] = rows.data[(first + i) * rows.stride + at + j] - mean[at + j];
    };
    for (std::size_t first = 0; first < rows.rows; first += kBlock) {
      const std::size_t count = std::min(kBlock, rows.rows - first);
      const View<double> a(left.data(), count, tile.rows), b(right.data(), count, tile.cols);
      centred(left, row, first, a);
      centred(right, col, first, b);
      multiply(Form::tn, 1.0, {a.data, a.rows, a.cols}, {b.data, b.rows, b.cols}, 1.0, tile);
    }
  });
  return sum;
}

void add_lower_gram_of_columns(double factor, View<const double> a, View<double> gram) {
  openblas().dsyrk(CblasRowMajor, CblasLower, CblasTrans, static_cast<int>(a.cols), static_cast<int>(a.rows), factor,
                   a.data, static_cast<int>(a.stride), 1.0, gram.data, static_cast<int>(gram.stride));
}

Matrix gram_of_rows(const Matrix& a) {
  Matrix gram(a.rows(), a.rows());
  const View<const float> rows(a);
  fill_symmetric(gram.data(), a.rows(), [&](std::size_t row, std::size_t col, View<float> tile) {
    multiply(Form::nt, 1.0f, rows.rows_from(row, tile.rows), rows.rows_from(col, tile.cols), 0.0f, tile);
  });
  return gram;
}

double dot(std::span<const double> a, std::span<const double> b) {
  return std::transform_reduce(a.begin(), a.end(), b.begin(), 0.0);
}

std::size_t strip_width(std::size_t cols) {
  return std::clamp(cols / kStrips, kLeastStrip, kMostStrip);
}

Moments column_moments(const Matrix& examples) {
  const std::size_t rows = examples.rows(), cols = examples.cols();
  Moments moments{std::vector<double>(cols), std::vector<double>(cols)};
  for_blocks(cols, strip_width(cols), [&](std::size_t first, std::size_t count) {
    double* mean = moments.mean.data() + first;
    double* variance = moments.variance.data() + first;
    for (std::size_t i = 0; i < rows; ++i) add(1, examples.row(i).subspan(first, count), mean);
    for (std::size_t j = 0; j < count; ++j) mean[j] /= static_cast<double>(rows);
    for (std::size_t i = 0; i < rows; ++i)
      add_squared_differences(examples.row(i).subspan(first, count), mean, variance);
    for (std::size_t j = 0; j < count; ++j) variance[j] /= static_cast<double>(rows);
  });
  return moments;
}

bool factor_positive(std::vector<double>& matrix, std::size_t n) {
  const int size = static_cast<int>(n);
  int info = 0;
  // LAPACK's column-major upper triangle is our row-major lower one.
  openblas().dpotrf("U", &size, matrix.data(), &size, &info);
  return info == 0;
}

void solve_transposed(const std::vector<double>& factor, std::size_t n, std::span<double> right_side) {
  openblas().dtrsv(CblasRowMajor, CblasLower, CblasTrans, CblasNonUnit, static_cast<int>(n), factor.data(),
                   static_cast<int>(n), right_side.data(), 1);
}

void solve_factored(const std::vector<double>& factor, std::size_t n, std::span<double> sides) {
  const int size = static_cast<int>(n), count = static_cast<int>(sides.size() / n);
  int info = 0;
  openblas().dpotrs("U", &size, &count, factor.data(), &size, sides.data(), &size, &info);
}

bool solve_positive(std::vector<double>& matrix, std::size_t n, std::span<std::vector<double>> right_sides) {
  if (!factor_positive(matrix, n)) return false;
  for (std::vector<double>& side : right_sides) solve_factored(matrix, n, side);
  return true;
}

void orthonormalise(std::vector<double>& columns, std::size_t rows) {
  const int m = static_cast<int>(rows), n = static_cast<int>(columns.size() / rows), work_size = 64 * n;
  int info = 0;
  std::vector<double> tau(columns.size() / rows), work(static_cast<std::size_t>(work_size));
  openblas().dgeqrf(&m, &n, columns.data(), &m, tau.data(), work.data(), &work_size, &info);
  openblas().dorgqr(&m, &n, &n, columns.data(), &m, tau.data(), work.data(), &work_size, &info);
}

void require_eigen_size(std::size_t n) {
  if (2 * n * n + 6 * n + 1 > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    throw Error("a matrix of side " + std::to_string(n) + " has too many eigenvectors for LAPACK", {},
                "use fewer examples or columns; for principal components, request their number (below a fifth of both) "
                "instead of a share of the variance");
}

std::vector<double> eigen_symmetric(std::vector<double>& matrix, std::size_t n) {
  require_eigen_size(n);
  std::vector<double> values(n);
  const int size = static_cast<int>(n), query = -1;
  int work_size = 0, info = 0;
  double optimal_size = 0;
  openblas().dsyevd("V", "L", &size, matrix.data(), &size, values.data(), &optimal_size, &query, &work_size, &query,
                    &info);
  std::vector<double> work(static_cast<std::size_t>(optimal_size));
  std::vector<int> iwork(static_cast<std::size_t>(work_size));
  const int lwork = static_cast<int>(work.size()), liwork = work_size;
  openblas().dsyevd("V", "L", &size, matrix.data(), &size, values.data(), work.data(), &lwork, iwork.data(), &liwork,
                    &info);
  if (info != 0)
    throw Error("the eigenvectors could not be found (LAPACK's dsyevd returned " + std::to_string(info) + ")");
  return values;
}

}  // namespace genrewise::blas
