// Apache Thrift's Node server of idl/derived.thrift, on a port for each encoding and transport. Results that are no echo
// are those of the Python server.
'use strict';
const thrift = require('thrift');
const Int64 = require('node-int64');
const service = require('./gen/DerivedSvc');
const types = require('./gen/types_types');

const exact = (number) => BigInt.asIntN(64, BigInt('0x' + number.toOctetString()));

let texts = [];
const answers = {
    ping: (done) => done(null, 'pong'),
    nothing: (done) => done(null),
    join: (first, second, times, done) => done(null, (first + second).repeat(times)),
    add(a, b, done) {
        const sum = exact(a) + exact(b);
        if (sum !== BigInt.asIntN(64, sum)) return done(new Error('too large'));
        done(null, new Int64('0x' + BigInt.asUintN(64, sum).toString(16).padStart(16, '0')));
    },
    find(id, done) {
        if (id.valueOf() === 0) return done(new types.NotFound({what: 'number 0'}));
        if (id.valueOf() < 0) return done(new types.Refused({why: 'negative', details: [id.toString(), '"<0"']}));
        done(null, new types.Scalars({id, text: 'found', bytes: Buffer.from([0, 255]), color: types.Color.BLUE}));
    },
    touch: (id, done) => done(id.valueOf() === 0 ? new types.NotFound({what: 'nothing to touch', code: -1}) : null),
    combine: (whole, scalars, lists, done) => done(null, Object.assign(whole, {scalars, lists})),
    reset(done) {
        texts = [];
        done(null);
    },
    notify: (text) => texts.push(text),
    notified: (done) => done(null, texts),
};

// The rest gives back its argument.
const handler = new Proxy(answers, {get: (all, name) => all[name] || ((value, done) => done(null, value))});

const encodings = {binary: thrift.TBinaryProtocol, compact: thrift.TCompactProtocol, json: thrift.TJSONProtocol};
const transports = {unframed: thrift.TBufferedTransport, framed: thrift.TFramedTransport};

function listen(name, server) {
    server.on('error', () => {}); // closed connections are no news
    server.listen(0, '127.0.0.1', () => console.log(`${name} listening on 127.0.0.1:${server.address().port}`));
}

for (const [encoding, protocol] of Object.entries(encodings)) {
    for (const [name, transport] of Object.entries(transports))
        listen(`${encoding}_${name}`, thrift.createServer(service, handler, {protocol, transport}));
    const services = {'/': {protocol, transport: thrift.TBufferedTransport, handler, processor: service}};
    listen(`${encoding}_http`, thrift.createWebServer({services}));
}
