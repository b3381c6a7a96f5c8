#include "genrewise/pretrained/inference/multiply.hpp"

#include <algorithm>
#include <array>

namespace genrewise {
namespace {

// The sums of this many rows and octets occupy twelve of sixteen vector registers; the rest hold the factors.
constexpr std::size_t most_rows(std::size_t octets) {
  return octets == 1 ? 8 : octets == 2 ? 6 : 4;
}

// Rows of the left matrix that are processed together stay in the second-level cache.
constexpr std::size_t kRowsBytes = 192 * 1024;

template <std::size_t kRows, std::size_t kOctets>
[[gnu::always_inline]] inline void sum_products(const RowsIn& in, const float* row, const float* weight,
                                                Octet (&sum)[kRows][kOctets]) {
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 3
    for (std::size_t v = 0; v < kOctets; ++v) sum[r][v] = Octet{};
  }
  for (std::size_t s = 0; s < in.segments; ++s, row += in.segment_stride) {
    for (std::size_t k = 0; k < in.depth; ++k, weight += kOctets * kOctet) {
      Octet w[kOctets];
#pragma GCC unroll 3
      for (std::size_t v = 0; v < kOctets; ++v) w[v] = octet_at(weight + v * kOctet);
#pragma GCC unroll 8
      for (std::size_t r = 0; r < kRows; ++r) {
        const Octet x = all_octet(row[r * in.stride + k]);
#pragma GCC unroll 3
        for (std::size_t v = 0; v < kOctets; ++v) sum[r][v] = multiply_add(x, w[v], sum[r][v]);
      }
    }
  }
}

struct Call {
  const RowsIn& in;
  const RowsOut& out;
  const Activation& activation;
  const float *weights, *bias;
  std::size_t column;
};

template <std::size_t kRows, std::size_t kOctets>
void multiply_rows(const Call& call, std::size_t row) {
  Octet sum[kRows][kOctets];
  sum_products<kRows, kOctets>(call.in, call.in.data + row * call.in.stride, call.weights, sum);
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 3
    for (std::size_t v = 0; v < kOctets; ++v) sum[r][v] += octet_at(call.bias + v * kOctet);
    activate(sum[r], call.activation);
  }
  const std::size_t start = row * call.out.stride + call.column;
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 3
    for (std::size_t v = 0; v < kOctets; ++v) {
      const std::size_t at = start + r * call.out.stride + v * kOctet;
      if (call.out.add) sum[r][v] += octet_at(call.out.add + at);
      octet_at(call.out.data + at) = sum[r][v];
    }
  }
}

template <std::size_t kRows, std::size_t kOctets>
void largest_rows(const RowsIn& in, std::size_t row, const float* weights, float* largest) {
  Octet sum[kRows][kOctets];
  sum_products<kRows, kOctets>(in, in.data + row * in.stride, weights, sum);
#pragma GCC unroll 3
  for (std::size_t v = 0; v < kOctets; ++v) {
    Octet most = octet_at(largest + v * kOctet);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) most = larger(sum[r][v], most);
    octet_at(largest + v * kOctet) = most;
  }
}

struct PairCall {
  const RowsIn& in;
  std::span<const std::array<float, 2>> share;
  const float* weights;
  const std::array<float*, 2>& out;
};

template <std::size_t kRows, std::size_t kOctets>
void largest_pair_rows(const PairCall& call, std::size_t row) {
  const RowsIn segment{nullptr, call.in.stride, call.in.depth, 1, 0};
  const float* data = call.in.data + row * call.in.stride;
  const float* weights = call.weights;
  Octet pair[2][kRows][kOctets] = {};
  for (const auto& share : call.share) {
    Octet sum[kRows][kOctets];
    sum_products<kRows, kOctets>(segment, data, weights, sum);
    const Octet first = all_octet(share[0]), second = all_octet(share[1]);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 3
      for (std::size_t v = 0; v < kOctets; ++v) {
        pair[0][r][v] = multiply_add(first, sum[r][v], pair[0][r][v]);
        pair[1][r][v] = multiply_add(second, sum[r][v], pair[1][r][v]);
      }
    }
    data += call.in.segment_stride;
    weights += call.in.depth * kOctets * kOctet;
  }
  for (std::size_t j = 0; j < 2; ++j) {
    for (std::size_t v = 0; v < kOctets; ++v) {
      Octet most = octet_at(call.out[j] + v * kOctet);
      for (std::size_t r = 0; r < kRows; ++r) most = larger(pair[j][r][v], most);
      octet_at(call.out[j] + v * kOctet) = most;
    }
  }
}

using LargestPairRows = void (*)(const PairCall&, std::size_t);
using MultiplyRows = void (*)(const Call&, std::size_t);
using LargestRows = void (*)(const RowsIn&, std::size_t, const float*, float*);
constexpr std::size_t kMostRows = 8, kMostOctets = 3;

template <std::size_t kOctets, std::size_t... kIndex>
constexpr std::array<MultiplyRows, kMostRows> multiply_kernels(std::index_sequence<kIndex...>) {
  return {multiply_rows<std::min(kIndex + 1, most_rows(kOctets)), kOctets>...};
}
template <std::size_t kOctets, std::size_t... kIndex>
constexpr std::array<LargestRows, kMostRows> largest_kernels(std::index_sequence<kIndex...>) {
  return {largest_rows<std::min(kIndex + 1, most_rows(kOctets)), kOctets>...};
}
template <std::size_t kOctets, std::size_t... kIndex>
constexpr std::array<LargestPairRows, kMostRows> largest_pair_kernels(std::index_sequence<kIndex...>) {
  return {largest_pair_rows<std::min(kIndex + 1, most_rows(kOctets)), kOctets>...};
}
constexpr auto kEachRow = std::make_index_sequence<kMostRows>();
constexpr std::array<std::array<MultiplyRows, kMostRows>, kMostOctets> kMultiply = {
    multiply_kernels<1>(kEachRow), multiply_kernels<2>(kEachRow), multiply_kernels<3>(kEachRow)};
constexpr std::array<std::array<LargestRows, kMostRows>, kMostOctets> kLargest = {
    largest_kernels<1>(kEachRow), largest_kernels<2>(kEachRow), largest_kernels<3>(kEachRow)};
constexpr std::array<std::array<LargestPairRows, kMostRows>, kMostOctets> kLargestPair = {
    largest_pair_kernels<1>(kEachRow), largest_pair_kernels<2>(kEachRow), largest_pair_kernels<3>(kEachRow)};

/// Calls body(first, count) for blocks of at most `most` rows of nearly equal size: a last block of one row would leave
/// most of the arithmetic units idle.
template <class Body>
void for_row_blocks(std::size_t first, std::size_t rows, std::size_t most, const Body& body) {
  const std::size_t blocks = (rows + most - 1) / most;
  if (blocks == 0) return;
  const std::size_t each = rows / blocks, larger = rows % blocks;
  for (std::size_t i = 0; i < blocks; ++i) {
    const std::size_t count = each + (i < larger ? 1 : 0);
    body(first, count);
    first += count;
  }
}

}  // namespace

PackedWeights::PackedWeights(std::size_t depth, std::size_t columns,
                             const std::function<float(std::size_t, std::size_t)>& weight, std::span<const float> bias)
    : columns_(columns), bias_(octets_of(columns) * kOctet) {
  std::ranges::copy(bias, bias_.begin());
  for (std::size_t octet = 0; octet < octets();) {
    const std::size_t left = octets() - octet;
    const std::size_t taken = left == 1 ? 1 : left == 3 ? 3 : 2;
    panels_.push_back({octet, taken, values_.size()});
    for (std::size_t k = 0; k < depth; ++k) {
      for (std::size_t i = 0; i < taken * kOctet; ++i) {
        const std::size_t column = octet * kOctet + i;
        values_.push_back(column < columns ? weight(k, column) : 0.0f);
      }
    }
    octet += taken;
  }
}

void multiply(const PackedWeights& weights, const RowsIn& in, std::size_t rows, const RowsOut& out,
              const Activation& activation, std::size_t first_panel, std::size_t last_panel) {
  const std::size_t row_bytes = std::max<std::size_t>(1, in.depth * in.segments * sizeof(float));
  for_row_blocks(0, rows, std::max<std::size_t>(24, kRowsBytes / row_bytes), [&](std::size_t first, std::size_t count) {
    for (std::size_t p = first_panel; p < last_panel; ++p) {
      const PackedWeights::Panel& panel = weights.panels()[p];
      const Call call{in, out, activation, weights.values(panel), weights.bias(panel), panel.first_octet * kOctet};
      for_row_blocks(first, count, most_rows(panel.octets),
                     [&](std::size_t row, std::size_t some) { kMultiply[panel.octets - 1][some - 1](call, row); });
    }
  });
}

void multiply_largest(const PackedWeights& weights, const PackedWeights::Panel& panel, const RowsIn& in,
                      std::size_t rows, float* out) {
  std::fill_n(out, panel.octets * kOctet, -std::numeric_limits<float>::infinity());
  for_row_blocks(0, rows, most_rows(panel.octets), [&](std::size_t row, std::size_t some) {
    kLargest[panel.octets - 1][some - 1](in, row, weights.values(panel), out);
  });
}

void multiply_largest_pair(const PackedWeights& weights, const PackedWeights::Panel& panel, const RowsIn& in,
                           std::span<const std::array<float, 2>> share, std::size_t rows,
                           const std::array<float*, 2>& out) {
  for (float* const one : out) std::fill_n(one, panel.octets * kOctet, -std::numeric_limits<float>::infinity());
  const PairCall call{in, share, weights.values(panel), out};
  for_row_blocks(0, rows, most_rows(panel.octets),
                 [&](std::size_t row, std::size_t some) { kLargestPair[panel.octets - 1][some - 1](call, row); });
}

}  // namespace genrewise
