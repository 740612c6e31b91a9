// Apache Thrift's C++ server of idl/derived.thrift, on a port for each encoding and transport. Results that are no echo
// are those of the Python server. One more port speaks THeader and all that it tells from that, one has the services
// multiplexed as "Derived".
#include <functional>
#include <iostream>
#include <mutex>
#include <sstream>
#include <thread>

#include <thrift/processor/TMultiplexedProcessor.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/protocol/TCompactProtocol.h>
#include <thrift/protocol/THeaderProtocol.h>
#include <thrift/protocol/TJSONProtocol.h>
#include <thrift/server/TThreadedServer.h>
#include <thrift/transport/TBufferTransports.h>
#include <thrift/transport/THttpServer.h>
#include <thrift/transport/TServerSocket.h>

#include "gen/DerivedSvc.h"

using namespace apache::thrift;
using namespace apache::thrift::protocol;
using namespace apache::thrift::transport;

class Handler : public DerivedSvcIf {
public:
    void echo_scalars(Scalars &out, const Scalars &value) override { out = value; }
    void echo_presence(Presence &out, const Presence &value) override { out = value; }
    void echo_lists(Lists &out, const Lists &value) override { out = value; }
    void echo_sets(Sets &out, const Sets &value) override { out = value; }
    void echo_maps(Maps &out, const Maps &value) override { out = value; }
    void echo_shape(Shape &out, const Shape &value) override { out = value; }
    void echo_tree(Tree &out, const Tree &value) override { out = value; }
    void echo_sparse(Sparse &out, const Sparse &value) override { out = value; }
    void echo_everything(Everything &out, const Everything &value) override { out = value; }
    void echo_empty(Empty &out, const Empty &value) override { out = value; }
    bool echo_bool(bool value) override { return value; }
    int8_t echo_i8(int8_t value) override { return value; }
    int16_t echo_i16(int16_t value) override { return value; }
    int32_t echo_i32(int32_t value) override { return value; }
    int64_t echo_i64(int64_t value) override { return value; }
    double echo_double(double value) override { return value; }
    void echo_string(std::string &out, const std::string &value) override { out = value; }
    void echo_binary(std::string &out, const std::string &value) override { out = value; }
    Color::type echo_color(Color::type value) override { return value; }
    void echo_list(std::vector<int32_t> &out, const std::vector<int32_t> &value) override { out = value; }
    void echo_set(std::set<std::string> &out, const std::set<std::string> &value) override { out = value; }
    void echo_map(std::map<std::string, int64_t> &out, const std::map<std::string, int64_t> &value) override
    {
        out = value;
    }

    void join(std::string &out, const std::string &first, const std::string &second, int32_t times) override
    {
        for (int32_t i = 0; i < times; i++)
            out += first + second;
    }

    int64_t add(int64_t a, int64_t b) override
    {
        int64_t sum;
        if (__builtin_add_overflow(a, b, &sum))
            throw std::overflow_error("too large");
        return sum;
    }

    void find(Scalars &out, Id id) override
    {
        if (id == 0)
            throw missing("number 0", 404);
        if (id < 0) {
            Refused refused;
            refused.why = "negative";
            refused.details = {std::to_string(id), "\"<0\""};
            throw refused;
        }
        out.id = id;
        out.text = "found";
        out.bytes = std::string("\0\xff", 2);
        out.color = Color::BLUE;
    }

    void touch(Id id) override
    {
        if (id == 0)
            throw missing("nothing to touch", -1);
    }

    void combine(Everything &out, const Everything &whole, const Scalars &scalars, const Lists &lists) override
    {
        out = whole;
        out.scalars = scalars;
        out.lists = lists;
    }

    void ping(std::string &out) override { out = "pong"; }
    void nothing() override {}

    void reset() override
    {
        std::lock_guard<std::mutex> guard(lock);
        texts.clear();
    }

    void notify(const std::string &text) override
    {
        std::lock_guard<std::mutex> guard(lock);
        texts.push_back(text);
    }

    void notified(std::vector<std::string> &out) override
    {
        std::lock_guard<std::mutex> guard(lock);
        out = texts;
    }

private:
    std::mutex lock;
    std::vector<std::string> texts;

    static NotFound missing(const std::string &subject, int32_t code)
    {
        NotFound out;
        out.subject = subject;
        out.code = code;
        return out;
    }
};

class Told : public server::TServerEventHandler {
public:
    Told(const std::string &name, std::shared_ptr<TServerSocket> socket) : name(name), socket(socket) {}

    void preServe() override
    {
        std::ostringstream line; // one write: other servers' threads print too
        line << name << " listening on 127.0.0.1:" << socket->getPort() << "\n";
        std::cout << line.str() << std::flush;
    }

private:
    std::string name;
    std::shared_ptr<TServerSocket> socket;
};

static std::vector<std::thread> threads;

static void serve(const std::string &name, std::shared_ptr<TProcessor> processor,
                  std::shared_ptr<TTransportFactory> transport, std::shared_ptr<TProtocolFactory> protocol)
{
    auto socket = std::make_shared<TServerSocket>("127.0.0.1", 0);
    auto server = std::make_shared<server::TThreadedServer>(processor, socket, transport, protocol);
    if (name == "header") // the answer's shape is the request's
        server->setOutputProtocolFactory(nullptr);
    server->setServerEventHandler(std::make_shared<Told>(name, socket));
    threads.emplace_back([server] { server->serve(); });
}

int main()
{
    GlobalOutput.setOutputFunction([](const char *) {}); // closed connections are no news
    auto processor = std::make_shared<DerivedSvcProcessor>(std::make_shared<Handler>());
    auto binary = std::make_shared<TBinaryProtocolFactory>();
    auto compact = std::make_shared<TCompactProtocolFactory>();
    auto json = std::make_shared<TJSONProtocolFactory>();
    auto buffered = std::make_shared<TBufferedTransportFactory>();
    auto framed = std::make_shared<TFramedTransportFactory>();
    auto http = std::make_shared<THttpServerTransportFactory>();
    std::pair<const char *, std::shared_ptr<TProtocolFactory>> encodings[] = {
        {"binary", binary}, {"compact", compact}, {"json", json}};
    std::pair<const char *, std::shared_ptr<TTransportFactory>> transports[] = {
        {"unframed", buffered}, {"framed", framed}, {"http", http}};
    for (auto &encoding : encodings)
        for (auto &transport : transports)
            serve(std::string(encoding.first) + "_" + transport.first, processor, transport.second, encoding.second);
    serve("header", processor, std::make_shared<TTransportFactory>(), std::make_shared<THeaderProtocolFactory>());
    auto multiplexed = std::make_shared<TMultiplexedProcessor>();
    multiplexed->registerProcessor("Derived", processor);
    serve("multiplexed", multiplexed, framed, binary);
    for (auto &thread : threads)
        thread.join();
}
