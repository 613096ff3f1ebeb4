// A table kept by an operator's own program: for packet filters and lists that deferd does not know.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "pfbridge/helper/backend.h"

namespace deferd::bridge {

/// The program is started for each call, with one more argument, and says with status 0 that all was done:
///
///   add      standard input: a line `ADDRESS-OR-PREFIX SECONDS` each; 0 seconds: for ever. Rows that are there are no error.
///   remove   standard input: a line `ADDRESS-OR-PREFIX` each. Rows that are not there are no error.
///   show     standard output: a line `ADDRESS-OR-PREFIX` each, all there are.
///   check    nothing; with another status than 0 the first line of standard error is told to the operator.
class ProgramTable : public Backend {
 public:
  explicit ProgramTable(std::vector<std::string> command, std::chrono::milliseconds time = std::chrono::seconds(30))
      : command_(std::move(command)), time_(time) {}

  Result add(std::span<const Row> rows) override;
  Result remove(std::span<const Entry> entries) override;
  Result read(std::vector<Entry>& entries) override;
  Result check() override;

 private:
  std::vector<std::string> with(const char* what) const;
  Result run(const char* what, const std::string& input, std::size_t count) const;

  std::vector<std::string> command_;
  std::chrono::milliseconds time_;
};

}  // namespace deferd::bridge
