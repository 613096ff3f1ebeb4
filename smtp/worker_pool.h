// Threads in which plugins think, so that the threads with the sockets never wait for them.
#pragma once
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace deferd::smtp {

/// Thread-safe. Jobs are begun in the order they came; they must not throw.
class WorkerPool {
 public:
  explicit WorkerPool(unsigned threads);
  ~WorkerPool();  ///< Waits for all jobs.

  template <class Job>
  void post(Job job) {
    begin();
    boost::asio::post(threads_, [this, job = std::move(job)]() mutable {
      {
        auto mine = std::move(job);  // destroyed before the job counts as done
        mine();
      }
      end();
    });
  }

  /// False: after `patience` some job was still not done.
  bool wait_until_idle(std::chrono::milliseconds patience);

 private:
  void begin();
  void end();

  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t jobs_ = 0;
  boost::asio::thread_pool threads_;
};

}  // namespace deferd::smtp
