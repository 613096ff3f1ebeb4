// Which function answers which request; what is common to all answers: arguments, errors, the log of writes.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/line_writer.h"
#include "deferd/host.h"
#include "deferd/schema.h"
#include "http/http.h"

namespace deferd {

/// One request at its route.
struct Call {
  const HttpRequest& http;
  Value body;        ///< A map; scalars as text, as a Schema reads them.
  std::string tail;  ///< What the `*` at the end of the route stood for.

  /// Of the query. Errors: invalid, if it is missing.
  Result<std::string> parameter(std::string_view name) const;
  std::string asker() const;  ///< "uid 1000"

  /// The body as a struct with a schema(). Errors: invalid, with everything that is wrong.
  template <class T>
  Result<T> arguments() const {
    Problems problems;
    T arguments = T::schema().read(body, problems);
    if (problems.failed()) return fail(Errc::invalid, joined(problems));
    return arguments;
  }

 private:
  static std::string joined(const Problems& problems);
};

/// Filled at start, then used by many threads.
class Router {
 public:
  explicit Router(Log& log) : log_(log) {}

  using Answer = std::function<Result<Value>(const Call&)>;
  using Stream = std::function<Result<void>(const Call&, LineWriter&)>;
  using Raw = std::function<void(const Call&, HttpReply&)>;

  /// `path` may end in `*`, which stands for the rest. What changes something is logged with the peer's uid.
  void ask(std::string method, std::string path, Answer answer);
  void change(std::string method, std::string path, Answer answer);
  void stream(std::string path, Stream stream);
  void raw(std::string path, Raw raw);

  void handle(const HttpRequest& request, HttpReply& reply) const;

 private:
  struct Route {
    std::string method, path;
    Raw run;
  };
  void log_write(const Call& call, const Result<Value>& result) const;

  Log& log_;
  std::vector<Route> routes_;
};

}  // namespace deferd
