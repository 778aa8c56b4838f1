using Insa.Iiot.LoadTest;
using Insa.Iiot.LoadTest.Amqp;
using Insa.Iiot.LoadTest.Coap;
using Insa.Iiot.LoadTest.Copy;
using Insa.Iiot.LoadTest.Mqtt;
using Insa.Iiot.LoadTest.OpcUa;
using Insa.Iiot.LoadTest.Read;
using Insa.Iiot.LoadTest.Serving;

const string Usage = """
    Usage: mqtt [options]   loads the MQTT endpoint, and mosquitto beside it, in alternating runs
      --qos 1                QoS of the messages: 1
      --connections 8        connections, each a device
      --inflight 64          messages in flight per connection
      --seconds 5            length of a run
      --rounds 3             runs per side, after one to warm up
      --payload 100          bytes per message, 70 to 4096
      --store null|sqlite|postgres
                             where the endpoint writes to before it acknowledges
      --postgres "Host=..."  the database of --store postgres, migrated, and nothing else's; without it a private server is started
      --compare mosquitto    the peer; without it the endpoint runs alone
      --rate N               messages a second in all, instead of as fast as they go; prints the server's memory each second
      --flood                times another tenant's 10 messages a second, idle and under this load
      --json                 prints one JSON document
    Usage: coap [options]    loads the CoAP server, and libcoap's beside it, in alternating runs
      --endpoints 256        emulated devices, each with one exchange in flight
      --transport udp|tcp|tls
                             what carries the messages: udp
      --inflight 1           by tcp and tls: requests in flight per connection
      --con | --non          confirmable or not: --con
      --security none|psk    psk: each device makes a DTLS session first, which is timed too
      --seconds 5            length of a run
      --rounds 3             runs per side, after one to warm up
      --store null|sqlite    where the server writes to before it answers
      --compare libcoap      the peer; without it the server runs alone
      --json                 prints one JSON document
    Usage: coap-idle [options]  weighs what the CoAP server keeps of devices that are silent
      --devices 100000       how many
    Usage: amqp-sink [options]  hands telemetry over from a host that takes it to one that writes it, by a private RabbitMQ between them
      --devices 1000         emulated devices, each with one frame that is not acknowledged yet
      --points 10            points of a frame
      --tenants 4            tenants that the devices are of
      --partitions 1         queues that the devices are spread over
      --seconds 10           length of a run
      --rounds 3             runs, after one to warm up
      --rate N               points a second in all, instead of as fast as they go
      --end-to-end           devices are told when the store has their frames, not when the broker has
      --store null|postgres  where the second host writes to: null counts, postgres is a private server
    Usage: amqp [options]    fills queues of a private RabbitMQ and lets the consumer empty them, and the bare client library beside it, in alternating runs
      --messages 100000      messages of a run
      --seconds N            instead: 20,000 messages for each second
      --prefetch 1000        messages of a channel that are not acknowledged yet
      --queues 1             queues, each with a channel
      --payload 100          bytes per message, 70 to 4096
      --rounds 3             runs per side, after two to warm up
      --classic              durable classic queues instead of quorum queues
      --live                 messages are published, and confirmed, while they are consumed instead of before
      --store null|sqlite|postgres
                             where the consumer writes to before it acknowledges
      --compare bare         the client library alone, which acknowledges every 100 messages
    Usage: opcua read|batch|subscribe [options]
                             loads the OPC UA server, and node-opcua's beside it, in alternating runs: by reads of one value, by reads of many,
                             by notifications of changing values
      --policy None          or Basic256Sha256, Aes128_Sha256_RsaOaep, Aes256_Sha256_RsaPss, which sign and encrypt
      --connections 4        connections, each with a channel and a session; 1 of 'subscribe'
      --inflight 1           requests in flight per connection
      --values 1000          of 'batch': values per request
      --items 5000           of 'subscribe': monitored items in all
      --rate 10              of 'subscribe': changes a second of each
      --idle-sessions 100    sessions that are weighed at the end; 0 weighs none
      --idle-items 20000     monitored items that are weighed
      --seconds 5            length of a run
      --rounds 3             runs per side, after one to warm up
      --compare node-opcua   the peer; without it the server runs alone
      --json                 prints one JSON document
    Usage: opcua space [options]
                             starts the OPC UA server over a store with one large tenant, and asks for a device of it
      --devices 10000        devices of the tenant
      --metrics 10           metrics of each
      --store sqlite|postgres
                             where they are; postgres is a private server
      --rounds 5             starts, after one to warm up
      --json                 prints one JSON document
    Usage: copy [options]    writes the same telemetry by psql and by the sink to a private PostgreSQL server, in alternating runs
      --points 2000000       points of a run
      --rounds 3             runs per case, after one to warm up
      --cases narrow,...     which: {CASES}
      --sustained N          writes N points to one table, autovacuum on, WAL settings as they come; rates of each 2,000,000
      --set name=value       a setting of the server, such as shared_buffers=4GB
      --json                 prints one JSON document
    Usage: read [options]    fills a private PostgreSQL server with history, rolls it up, compacts it and lets a day expire; then asks it questions
      --rate 100000          points written a second meanwhile
      --rounds 30            rounds of each question
      --percent 100          share of the devices, for a quick look
      --json                 prints one JSON document
    """;

if (args is ["serve", var store, var data])
    return await LoadServer.RunAsync(store, data, isCoap: false);
if (args is ["serve-coap", var coapStore, var coapData])
    return await LoadServer.RunAsync(coapStore, coapData, isCoap: true);
if (args is ["serve-opcua", var opcuaLoad, var opcuaData])
    return await OpcUaLoadServer.RunAsync(opcuaLoad, opcuaData);
if (args is ["serve-opcua-space", var spaceStore, var spaceData])
    return await OpcUaSpaceServer.RunAsync(spaceStore, spaceData);
var usage = Usage.Replace("{CASES}", string.Join(',', CopyCase.All.Select(known => known.Name)), StringComparison.Ordinal);
if (args.Contains("--help"))
{
    Console.WriteLine(usage);
    return 0;
}

if (args is ["amqp-sink", .. var sinkArgs])
{
    if (SinkOptions.TryParse(sinkArgs, out var sinkOptions, out var sinkError))
        return await SinkBench.RunAsync(sinkOptions);
    Console.Error.WriteLine(sinkError + Environment.NewLine + usage);
    return 2;
}

if (args is ["serve-amqp", .. var consumerArgs])
    return await ConsumerProcess.RunAsync(consumerArgs);
if (args is ["amqp", .. var amqpArgs])
{
    if (ConsumeOptions.TryParse(amqpArgs, out var amqpOptions, out var amqpError))
        return await ConsumeBench.RunAsync(amqpOptions);
    Console.Error.WriteLine(amqpError + Environment.NewLine + usage);
    return 2;
}

if (args is ["copy", .. var copyArgs])
{
    if (CopyOptions.TryParse(copyArgs, out var copyOptions, out var copyError))
        return await CopyBench.RunAsync(copyOptions);
    Console.Error.WriteLine(copyError + Environment.NewLine + usage);
    return 2;
}

if (args is ["read", .. var readArgs])
{
    if (ReadOptions.TryParse(readArgs, out var readOptions, out var readError))
        return await ReadBench.RunAsync(readOptions);
    Console.Error.WriteLine(readError + Environment.NewLine + usage);
    return 2;
}

if (args is ["coap-idle", .. var idleArgs])
{
    var devices = 100_000;
    if (idleArgs is [] || (idleArgs is ["--devices", var number] && LoadOptions.TryRead(number, 1, 10_000_000, read => devices = read)))
        return await CoapIdle.RunAsync(devices);
    Console.Error.WriteLine(usage);
    return 2;
}

if (args is ["coap", .. var coapArgs])
{
    if (CoapOptions.TryParse(coapArgs, out var coapOptions, out var coapError))
        return await CoapLoad.RunAsync(coapOptions);
    Console.Error.WriteLine(coapError + Environment.NewLine + usage);
    return 2;
}

if (args is ["opcua", "space", .. var spaceArgs])
{
    if (OpcUaSpaceOptions.TryParse(spaceArgs, out var spaceOptions, out var spaceError))
        return await OpcUaSpace.RunAsync(spaceOptions);
    Console.Error.WriteLine(spaceError + Environment.NewLine + usage);
    return 2;
}

if (args is ["opcua", .. var opcuaArgs])
{
    if (OpcUaOptions.TryParse(opcuaArgs, out var opcuaOptions, out var opcuaError))
        return await OpcUaLoad.RunAsync(opcuaOptions);
    Console.Error.WriteLine(opcuaError + Environment.NewLine + usage);
    return 2;
}

if (args is not ["mqtt", .. var rest])
{
    Console.Error.WriteLine(usage);
    return 2;
}

if (!LoadOptions.TryParse(rest, out var options, out var error))
{
    Console.Error.WriteLine(error + Environment.NewLine + usage);
    return 2;
}

return options.Flood ? await MqttFlood.RunAsync(options) : await MqttLoad.RunAsync(options);
