using Insa.Iiot.LoadTest;
using Insa.Iiot.LoadTest.Coap;
using Insa.Iiot.LoadTest.Copy;
using Insa.Iiot.LoadTest.Mqtt;
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
      --con | --non          confirmable or not: --con
      --security none|psk    psk: each device makes a DTLS session first, which is timed too
      --seconds 5            length of a run
      --rounds 3             runs per side, after one to warm up
      --store null|sqlite    where the server writes to before it answers
      --compare libcoap      the peer; without it the server runs alone
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
var usage = Usage.Replace("{CASES}", string.Join(',', CopyCase.All.Select(known => known.Name)), StringComparison.Ordinal);
if (args.Contains("--help"))
{
    Console.WriteLine(usage);
    return 0;
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

if (args is ["coap", .. var coapArgs])
{
    if (CoapOptions.TryParse(coapArgs, out var coapOptions, out var coapError))
        return await CoapLoad.RunAsync(coapOptions);
    Console.Error.WriteLine(coapError + Environment.NewLine + usage);
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
