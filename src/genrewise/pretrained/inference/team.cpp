#include "genrewise/pretrained/inference/team.hpp"

#include "genrewise/base/parallel.hpp"
#include "genrewise/base/runtime.hpp"

namespace genrewise {

Team::~Team() {
  ended_ = true;
  ++runs_;
  runs_.notify_all();
}

void Team::help(std::size_t worker) {
  std::uint32_t seen = 0;
  while (!ended_) {
    for (int spins = 0; runs_ == seen && spins < kSpins; ++spins) continue;
    runs_.wait(seen);
    seen = runs_;
    ++active_;
    if (open_ && worker < threads_) {
      Member member(*this, worker);
      (*body_)(member);
    }
    --active_;
  }
}

void Team::run(int threads, const Body& body) {
  threads_ = inside_parallel_for() || threads < 1 ? 1 : static_cast<std::size_t>(threads);
  Member own(*this, 0);
  if (threads_ == 1) return body(own);
  try {
    while (helpers_.size() + 1 < threads_)
      helpers_.push_back(start_thread([this, worker = helpers_.size() + 1] { help(worker); }));
  } catch (const ThreadError&) {  // fewer threads do the same work
  }
  for (Phase& phase : phases_) phase.next = phase.done = 0;
  body_ = &body;
  open_ = true;
  ++runs_;
  runs_.notify_all();
  body(own);
  open_ = false;  // whoever comes now finds nothing to do
  while (active_ > 0) std::this_thread::yield();
}

}  // namespace genrewise
