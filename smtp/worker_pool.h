// Threads in which plugins think, so that the threads with the sockets never wait for them.
//
// Waking a thread costs more than most answers do. So at most one is being woken at a time, the one that fell asleep last, whose
// memory is still at hand; who takes a job and leaves others behind wakes the next before he begins. While all jobs are short,
// few threads do them, hardly ever sleeping; when one does not come back, the others are there. And while the store does not
// answer, and all who name recipients wait for it, a quarter of the threads is left for those who have only come, and hear a
// banner.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace deferd::smtp {

/// Thread-safe. Jobs are begun in the order they came, but that urgent ones overtake patient ones when too many of these are
/// under way; they must not throw.
class WorkerPool {
 public:
  enum class Kind : std::uint8_t {
    urgent,
    patient,  ///< May wait for the store; at most three quarters of the threads do.
  };
  explicit WorkerPool(unsigned threads);  ///< Throws std::system_error if there can be none.
  ~WorkerPool();                          ///< Waits for all jobs.

  /// `job` is called once, and destroyed on the thread that has called it.
  template <class Job>
  void post(Job&& job, Kind kind = Kind::urgent) {
    add(std::make_unique<Of<std::decay_t<Job>>>(std::forward<Job>(job)), kind);
  }

  /// False: after `patience` some job was still not done.
  bool wait_until_idle(std::chrono::milliseconds patience);

 private:
  struct AnyJob {
    virtual ~AnyJob() = default;
    virtual void run() = 0;
  };
  template <class Job>
  struct Of : AnyJob {
    explicit Of(Job its_job) : job(std::move(its_job)) {}
    void run() override { job(); }
    Job job;
  };

  struct Queued {
    std::uint64_t number;
    std::unique_ptr<AnyJob> job;
  };
  using Queue = std::deque<Queued>;

  /// Of one thread.
  struct Bed {
    std::condition_variable wanted;
    bool asleep = false;
  };

  void add(std::unique_ptr<AnyJob> job, Kind kind);
  void work(Bed& mine);
  Queue* next();    // with the lock held; whose first job is to be done now, null: none
  Bed* wake_one();  // likewise; who must be notified once it is given up, null: nobody
  void end();

  std::mutex mutex_;
  std::condition_variable idle_;
  std::vector<Bed> beds_;
  std::vector<Bed*> asleep_;  // the last one fell asleep last
  const unsigned most_patient_;
  Queue urgent_, patient_;
  std::uint64_t jobs_ = 0;  // so many have come
  unsigned working_ = 0, working_patiently_ = 0;
  bool waking_ = false;
  bool over_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace deferd::smtp
