/** Every type but uuid, for tests against real servers: set elements and map keys are scalar, as generators want them. */
namespace py types
namespace go types

typedef i64 Id
typedef list<Id> Ids

enum Color {
    RED = 1,
    GREEN = 2,
    BLUE = 4
}

enum Level {
    LOW,
    MIDDLE,
    HIGH
}

const i32 LIMIT = 100
const string GREETING = "hello, \"you\""
const list<i32> PRIMES = [2, 3, 5, 7]
const map<string, i32> AGES = {"ann": 41, "bob": 7}

/** One field of every scalar type. */
struct Scalars {
    1: bool truth
    2: i8 tiny
    3: i16 small
    4: i32 medium
    5: i64 large
    6: double ratio
    7: string text
    8: binary bytes
    9: Color color
    10: Id id
}

/** What each word about presence does, with and without a default. */
struct Presence {
    1: required i32 needed
    2: optional i32 maybe
    3: i32 plain
    4: optional string chosen = "none"
    5: i32 limit = LIMIT
    6: double half = 0.5
    7: Color color = Color.GREEN
    8: bool on = true
    9: list<i32> primes = [2, 3, 5, 7]
    10: i64 far = 9007199254740993
    11: map<string, i32> ages = {"ann": 41, "bob": 7}
}

struct Lists {
    1: list<bool> truths
    2: list<i8> tinies
    3: list<i16> smalls
    4: list<i32> mediums
    5: Ids larges
    6: list<double> ratios
    7: list<string> texts
    8: list<binary> blobs
    9: list<Color> colors
    10: list<Scalars> records
    11: list<list<i32>> rows
    12: list<set<string>> bags
    13: list<map<string, i64>> tables
}

struct Sets {
    1: set<bool> truths
    2: set<i8> tinies
    3: set<i16> smalls
    4: set<i32> mediums
    5: set<i64> larges
    6: set<double> ratios
    7: set<string> texts
    8: set<Color> colors
}

struct Maps {
    1: map<bool, string> by_truth
    2: map<i8, string> by_tiny
    3: map<i16, string> by_small
    4: map<i32, string> by_medium
    5: map<i64, string> by_large
    6: map<double, string> by_ratio
    7: map<string, string> by_text
    8: map<Color, string> by_color
    9: map<string, i64> numbers
    10: map<string, double> ratios
    11: map<string, bool> truths
    12: map<string, binary> blobs
    13: map<string, Scalars> records
    14: map<string, list<i32>> rows
    15: map<i32, map<string, list<Color>>> deep
    16: map<string, set<i64>> bags
}

/** Exactly one of these. */
union Shape {
    1: double circle
    2: i32 square
    3: string name
    4: Scalars record
    5: list<i32> sides
}

/** A record of itself. */
struct Tree {
    1: string name
    2: list<Tree> children
    3: optional Tree left
    4: map<string, Tree> named
}

/** Ids far apart and out of order. */
struct Sparse {
    30000: i32 last
    1: i32 first
    500: string middle
    16: i64 over
}

struct Everything {
    1: Scalars scalars
    2: Lists lists
    3: Sets sets
    4: Maps maps
    5: Shape shape
    6: Tree tree
    7: optional Presence presence
    8: Sparse sparse
    9: Level level
    10: list<Shape> shapes
}

struct Empty {
}

exception NotFound {
    1: string what
    2: i32 code = 404
}

exception Refused {
    1: string why
    2: list<string> details
}

service BaseSvc {
    string ping(),
    void reset()
}

service TypesSvc extends BaseSvc {
    Scalars echo_scalars(1: Scalars value)
    Presence echo_presence(1: Presence value)
    Lists echo_lists(1: Lists value)
    Sets echo_sets(1: Sets value)
    Maps echo_maps(1: Maps value)
    Shape echo_shape(1: Shape value)
    Tree echo_tree(1: Tree value)
    Sparse echo_sparse(1: Sparse value)
    Everything echo_everything(1: Everything value)
    Empty echo_empty(1: Empty value)

    bool echo_bool(1: bool value)
    i8 echo_i8(1: i8 value)
    i16 echo_i16(1: i16 value)
    i32 echo_i32(1: i32 value)
    i64 echo_i64(1: i64 value)
    double echo_double(1: double value)
    string echo_string(1: string value)
    binary echo_binary(1: binary value)
    Color echo_color(1: Color value)
    list<i32> echo_list(1: list<i32> value)
    set<string> echo_set(1: set<string> value)
    map<string, i64> echo_map(1: map<string, i64> value)

    string join(1: string first, 2: string second, 3: i32 times = 1)
    i64 add(1: i64 a, 2: i64 b)
    Scalars find(1: Id id) throws (1: NotFound missing, 2: Refused refused)
    void touch(1: Id id) throws (1: NotFound missing)
    void nothing()
    oneway void notify(1: string text)
}
