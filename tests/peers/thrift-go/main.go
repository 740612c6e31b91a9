// Apache Thrift's Go server of idl/derived.thrift, on a port for each encoding and transport. One more port speaks
// THeader and all that it tells from that, one has the service multiplexed as "Derived". Results that are no echo are
// those of the Python server.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/apache/thrift/lib/go/thrift"

	"thriftpeer/gen/derived"
	"thriftpeer/gen/types"
)

type handler struct {
	lock  sync.Mutex
	texts []string
}

func (*handler) EchoScalars(_ context.Context, v *types.Scalars) (*types.Scalars, error) {
	return v, nil
}
func (*handler) EchoPresence(_ context.Context, v *types.Presence) (*types.Presence, error) {
	return v, nil
}
func (*handler) EchoLists(_ context.Context, v *types.Lists) (*types.Lists, error)    { return v, nil }
func (*handler) EchoSets(_ context.Context, v *types.Sets) (*types.Sets, error)       { return v, nil }
func (*handler) EchoMaps(_ context.Context, v *types.Maps) (*types.Maps, error)       { return v, nil }
func (*handler) EchoShape(_ context.Context, v *types.Shape) (*types.Shape, error)    { return v, nil }
func (*handler) EchoTree(_ context.Context, v *types.Tree) (*types.Tree, error)       { return v, nil }
func (*handler) EchoSparse(_ context.Context, v *types.Sparse) (*types.Sparse, error) { return v, nil }
func (*handler) EchoEmpty(_ context.Context, v *types.Empty) (*types.Empty, error)    { return v, nil }
func (*handler) EchoEverything(_ context.Context, v *types.Everything) (*types.Everything, error) {
	return v, nil
}

func (*handler) EchoBool(_ context.Context, v bool) (bool, error)                { return v, nil }
func (*handler) EchoI8(_ context.Context, v int8) (int8, error)                  { return v, nil }
func (*handler) EchoI16(_ context.Context, v int16) (int16, error)               { return v, nil }
func (*handler) EchoI32(_ context.Context, v int32) (int32, error)               { return v, nil }
func (*handler) EchoI64(_ context.Context, v int64) (int64, error)               { return v, nil }
func (*handler) EchoDouble(_ context.Context, v float64) (float64, error)        { return v, nil }
func (*handler) EchoString(_ context.Context, v string) (string, error)          { return v, nil }
func (*handler) EchoBinary(_ context.Context, v []byte) ([]byte, error)          { return v, nil }
func (*handler) EchoColor(_ context.Context, v types.Color) (types.Color, error) { return v, nil }
func (*handler) EchoList(_ context.Context, v []int32) ([]int32, error)          { return v, nil }
func (*handler) EchoSet(_ context.Context, v []string) ([]string, error)         { return v, nil }
func (*handler) EchoMap(_ context.Context, v map[string]int64) (map[string]int64, error) {
	return v, nil
}

func (*handler) Join(_ context.Context, first, second string, times int32) (string, error) {
	return strings.Repeat(first+second, int(times)), nil
}

func (*handler) Add(_ context.Context, a, b int64) (int64, error) {
	if (b > 0 && a+b < a) || (b < 0 && a+b > a) {
		return 0, errors.New("too large")
	}
	return a + b, nil
}

func (*handler) Find(_ context.Context, id types.ID) (*types.Scalars, error) {
	switch {
	case id == 0:
		missing := types.NewNotFound()
		missing.What = "number 0"
		return nil, missing
	case id < 0:
		return nil, &types.Refused{Why: "negative", Details: []string{fmt.Sprint(id), "\"<0\""}}
	}
	return &types.Scalars{ID: id, Text: "found", Bytes: []byte{0, 255}, Color: types.Color_BLUE}, nil
}

func (*handler) Touch(_ context.Context, id types.ID) error {
	if id == 0 {
		return &types.NotFound{What: "nothing to touch", Code: -1}
	}
	return nil
}

func (*handler) Combine(_ context.Context, whole *types.Everything, scalars *types.Scalars,
	lists *types.Lists) (*types.Everything, error) {
	whole.Scalars, whole.Lists = scalars, lists
	return whole, nil
}

func (*handler) Ping(context.Context) (string, error) { return "pong", nil }
func (*handler) Nothing(context.Context) error        { return nil }

func (h *handler) Reset(context.Context) error {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.texts = nil
	return nil
}

func (h *handler) Notify(_ context.Context, text string) error {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.texts = append(h.texts, text)
	return nil
}

func (h *handler) Notified(context.Context) ([]string, error) {
	h.lock.Lock()
	defer h.lock.Unlock()
	return append([]string{}, h.texts...), nil
}

func listen(name string) *thrift.TServerSocket {
	socket, err := thrift.NewTServerSocket("127.0.0.1:0")
	if err == nil {
		err = socket.Listen()
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(name, "listening on", socket.Addr())
	return socket
}

func serve(name string, processor thrift.TProcessor, transport thrift.TTransportFactory, protocol thrift.TProtocolFactory) {
	go thrift.NewTSimpleServer4(processor, listen(name), transport, protocol).Serve()
}

func serveHTTP(name string, processor thrift.TProcessor, protocol thrift.TProtocolFactory) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(name, "listening on", listener.Addr())
	go http.Serve(listener, http.HandlerFunc(thrift.NewThriftHandlerFunc(processor, protocol, protocol)))
}

func main() {
	processor := derived.NewDerivedSvcProcessor(&handler{})
	plain := thrift.NewTTransportFactory()
	framed := thrift.NewTFramedTransportFactoryConf(plain, nil)
	encodings := map[string]thrift.TProtocolFactory{
		"binary":  thrift.NewTBinaryProtocolFactoryConf(nil),
		"compact": thrift.NewTCompactProtocolFactoryConf(nil),
		"json":    thrift.NewTJSONProtocolFactory(),
	}
	for name, encoding := range encodings {
		serve(name+"_unframed", processor, thrift.NewTBufferedTransportFactory(4096), encoding)
		serve(name+"_framed", processor, framed, encoding)
		serveHTTP(name+"_http", processor, encoding)
	}
	serve("header", processor, plain, thrift.NewTHeaderProtocolFactoryConf(nil))
	multiplexed := thrift.NewTMultiplexedProcessor()
	multiplexed.RegisterProcessor("Derived", processor)
	serve("multiplexed", multiplexed, framed, encodings["binary"])
	log.SetOutput(io.Discard) // closed connections are no news
	select {}
}
