using Insa.Iiot.LoadTest;
using Insa.Iiot.LoadTest.Mqtt;
using Insa.Iiot.LoadTest.Serving;

const string Usage = """
    Usage: mqtt [options]   loads the MQTT endpoint, and mosquitto beside it, in alternating runs
      --qos 1                QoS of the messages: 1
      --connections 8        connections, each a device
      --inflight 64          messages in flight per connection
      --seconds 5            length of a run
      --rounds 3             runs per side, after one to warm up
      --payload 100          bytes per message, 70 to 4096
      --store null|sqlite    where the endpoint writes to before it acknowledges
      --compare mosquitto    the peer; without it the endpoint runs alone
      --rate N               messages a second in all, instead of as fast as they go; prints the server's memory each second
      --flood                times another tenant's 10 messages a second, idle and under this load
      --json                 prints one JSON document
    """;

if (args is ["serve", var store, var data])
    return await LoadServer.RunAsync(store, data);
if (args.Contains("--help"))
{
    Console.WriteLine(Usage);
    return 0;
}

if (args is not ["mqtt", .. var rest])
{
    Console.Error.WriteLine(Usage);
    return 2;
}

if (!LoadOptions.TryParse(rest, out var options, out var error))
{
    Console.Error.WriteLine(error + Environment.NewLine + Usage);
    return 2;
}

return options.Flood ? await MqttFlood.RunAsync(options) : await MqttLoad.RunAsync(options);
