// What "transcode idl" prints (tests/bench), but that an enum is an i32: in Go its JSON would be a name.
namespace go shop

struct Part { 1: i64 id, 2: string name, 3: double weight, 4: bool spare }
struct Item { 1: i64 id, 2: string name, 3: i32 count, 4: double price, 5: bool sold, 6: i32 state,
  7: list<Part> parts }
struct Order { 1: i64 id, 2: string title, 3: i32 state, 4: map<string, string> tags, 5: bool active,
  6: double total, 7: list<Item> items }
service Shop { Order place(1: Order order) }
