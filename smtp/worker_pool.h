// Threads in which plugins think, so that the threads with the sockets never wait for them.
//
// Waking a thread costs more than most answers do. So at most one is being woken at a time, the one that fell asleep last, whose
// memory is still at hand; who takes a job and leaves others behind wakes the next before he begins. While all jobs are short,
// few threads do them, hardly ever sleeping; when one does not come back, the others are there. And while the store does not
// answer, and all who name recipients wait for it, a quarter of the threads is left for those who have only come, and hear a
// banner.
#pragma once
#include <boost/intrusive/slist.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
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

  /// What is to be done once. Whoever made it destroys it, when run() has been called or from within.
  class Job : public boost::intrusive::slist_base_hook<> {
   public:
    virtual ~Job() = default;
    virtual void run() = 0;

   private:
    friend class WorkerPool;
    std::uint64_t number_ = 0;
  };
  using Jobs = boost::intrusive::slist<Job, boost::intrusive::cache_last<true>, boost::intrusive::constant_time_size<false>>;

  explicit WorkerPool(unsigned threads);  ///< Throws std::system_error if there can be none.
  ~WorkerPool();                          ///< Waits for all jobs.

  /// All of them, at the price of one; nothing is left of the lists.
  void post(Jobs& urgent, Jobs& patient) noexcept;

  /// `call` is called once, and destroyed on the thread that has called it.
  template <class Call>
  void post(Call&& call, Kind kind = Kind::urgent) {
    Jobs one, none;
    one.push_back(*new Of<std::decay_t<Call>>(std::forward<Call>(call)));
    kind == Kind::urgent ? post(one, none) : post(none, one);
  }

  /// False: after `patience` some job was still not done.
  bool wait_until_idle(std::chrono::milliseconds patience);

 private:
  template <class Call>
  struct Of final : Job {
    explicit Of(Call its_call) : call(std::move(its_call)) {}
    void run() override {
      call();
      delete this;
    }
    Call call;
  };

  /// Of one thread.
  struct Bed {
    std::condition_variable wanted;
    bool asleep = false;
  };

  void work(Bed& mine);
  void add(Jobs& jobs, Jobs& queue);  // with the lock held
  Jobs* next();                       // likewise; whose first job is to be done now, null: none
  Bed* wake_one();                    // likewise; who must be notified once it is given up, null: nobody
  void end();

  std::mutex mutex_;
  std::condition_variable idle_;
  std::vector<Bed> beds_;
  std::vector<Bed*> asleep_;  // the last one fell asleep last
  const unsigned most_patient_;
  Jobs urgent_, patient_;
  std::uint64_t jobs_ = 0;  // so many have come
  unsigned working_ = 0, working_patiently_ = 0;
  bool waking_ = false;
  bool over_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace deferd::smtp
