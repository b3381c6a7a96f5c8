// A connection to an SQLite file and prepared statements, with Error instead of result codes. Private to this module.
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "genrewise/base/error.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace genrewise {

class Database;

class DamagedDatabase : public Error {
 public:
  using Error::Error;
};

/// Text in lower case, by Unicode's simple mappings where the system has the locale C.UTF-8 (else ASCII letters alone).
/// Bytes that are no UTF-8 stay.
std::string folded(std::string_view text);

/// A statement of a Database that is reset when this goes out of scope. Columns and parameters count from 0.
///
///     auto rows = database.query("SELECT path FROM tracks WHERE bytes > ? AND artist = ?", 1000, "Bach");
///     while (rows.next()) use(rows.text(0));
class Statement {
 public:
  Statement(Database& database, sqlite3_stmt* statement) : database_(&database), statement_(statement) {}
  Statement(Statement&& other) noexcept
      : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}
  ~Statement();

  void bind(int parameter, std::int64_t value);
  void bind(int parameter, double value);
  void bind(int parameter, std::string_view text);  ///< bytes that are no UTF-8 are bound as they are
  void bind(int parameter, std::span<const std::byte> blob);
  void bind(int parameter, std::nullptr_t);
  template <std::integral Number>
  void bind(int parameter, Number value) {
    bind(parameter, static_cast<std::int64_t>(value));
  }
  template <class T>
  void bind(int parameter, const std::optional<T>& value) {
    value ? bind(parameter, *value) : bind(parameter, nullptr);
  }

  /// Moves to the next row; false at the end.
  bool next();
  /// For statements without rows.
  void run();

  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  /// A list of texts that is stored as JSON. Throws DamagedDatabase for anything else.
  std::vector<std::string> texts(int column) const;
  std::span<const std::byte> blob(int column) const;  ///< valid until next()
  std::optional<double> optional_real(int column) const;

 private:
  Database* database_;
  sqlite3_stmt* statement_;
};

class Database {
 public:
  enum class Mode { read, write, create };
  /// Opens with WAL, foreign keys, a busy timeout of 10 s, and a memory map of up to 4 GiB for reading. Its SQL
  /// functions contains(needle, text...) and matches(needle, text...): whether a text contains or equals the needle,
  /// which is folded(), without regard to case. Throws Error for a file that is missing, cannot be opened or is no
  /// database.
  Database(const std::filesystem::path& file, Mode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// A statement of this text, prepared once and reused. Two uses of one text at the same time are two statements.
  template <class... Values>
  Statement query(std::string_view sql, const Values&... values) {
    Statement statement = prepare(sql);
    int parameter = 0;
    (statement.bind(parameter++, values), ...);
    return statement;
  }
  template <class... Values>
  void run(std::string_view sql, const Values&... values) {
    query(sql, values...).run();
  }
  /// Several statements, separated by semicolons.
  void script(const std::string& sql);
  std::int64_t last_id() const;
  /// Rows that the last INSERT, UPDATE or DELETE changed.
  std::int64_t changes() const;
  /// Calls `body` in a transaction that is committed when it returns and rolled back when it throws.
  void transaction(const std::function<void()>& body);
  /// Ends a transaction without its changes. Does nothing where SQLite did so itself, as after a full disk.
  void roll_back();
  const std::string& file() const { return file_; }

 private:
  friend class Statement;
  Statement prepare(std::string_view sql);
  void check(int code) const;

  std::string file_;
  sqlite3* database_ = nullptr;
  std::unordered_multimap<std::string, sqlite3_stmt*> idle_;
};

}  // namespace genrewise
