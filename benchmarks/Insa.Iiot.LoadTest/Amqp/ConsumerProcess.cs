using System.Globalization;
using System.Text.Json;
using Insa.Iiot.LoadTest.Serving;
using Insa.Iiot.Protocols.Amqp;
using RabbitMQ.Client;

namespace Insa.Iiot.LoadTest.Amqp;

/// <summary>A consumer in a process of its own: for each number on its input it empties the queues of so many messages, and says what that took.</summary>
internal static class ConsumerProcess
{
    /// <summary>The environment variable with the broker's address.</summary>
    public const string BrokerVariable = "IIOT_LOAD_BROKER";

    private static readonly TenantId Tenant = TenantId.Parse("load");

    private static Uri Broker => new(Environment.GetEnvironmentVariable(BrokerVariable)!);

    public static async Task<int> RunAsync(string[] args)
    {
        var (side, store) = (args[0], args[1]);
        var queues = int.Parse(args[2], CultureInfo.InvariantCulture);
        var prefetch = int.Parse(args[3], CultureInfo.InvariantCulture);
        var folder = Directory.CreateTempSubdirectory("iiot-load-").FullName;
        while (await Console.In.ReadLineAsync() is { } line)
        {
            var count = int.Parse(line, CultureInfo.InvariantCulture);
            GC.Collect();
            var result =
                side == "bare"
                    ? await RunBareAsync(count, queues, (ushort)prefetch)
                    : await RunOursAsync(count, queues, prefetch, store, folder);
            Console.WriteLine(JsonSerializer.Serialize(result));
        }

        Directory.Delete(folder, recursive: true);
        return 0;
    }

    private static async Task<ConsumeResult> RunBareAsync(int count, int queues, ushort prefetch)
    {
        var meter = new RunMeter(count);
        var factory = new ConnectionFactory { Uri = Broker, AutomaticRecoveryEnabled = false };
        await using (var connection = await factory.CreateConnectionAsync())
        {
            for (var queue = 0; queue < queues; queue++)
            {
                var channel = await connection.CreateChannelAsync(new CreateChannelOptions(false, false, null, 1));
                await channel.BasicQosAsync(0, prefetch, global: false);
                var share = (count / queues) + (queue < count % queues ? 1 : 0);
                await channel.BasicConsumeAsync(ConsumeMessage.QueueOf(queue), autoAck: false, new BareConsumer(channel, meter, share));
            }

            await meter.Done;
            await connection.CloseAsync();
        }

        return meter.Result("bare", 0);
    }

    private static async Task<ConsumeResult> RunOursAsync(int count, int queues, int prefetch, string store, string folder)
    {
        var meter = new RunMeter(count);
        var sink = new MeteredSink(meter);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        var iiot = builder.Services.AddIiot();
        if (store == "postgres")
            iiot.AddPostgresStorage(postgres =>
            {
                postgres.ConnectionString = Environment.GetEnvironmentVariable(LoadServer.PostgresVariable)!;
                postgres.MigrateOnStart = false;
                postgres.CompactAfter = null;
            });
        else
            iiot.AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(folder, "iiot.db"));
        var inner = builder.Services.Last(service => service.ServiceType == typeof(ITelemetrySink));
        builder.Services.Remove(inner);
        builder.Services.AddSingleton<ITelemetrySink>(services =>
        {
            sink.Inner = store == "null" ? null : Make(services, inner);
            return sink;
        });
        iiot.AddIngestion()
            .AddAmqp(amqp =>
            {
                amqp.Uri = Broker;
                amqp.DeclaresTopology = false;
                for (var queue = 0; queue < queues; queue++)
                    amqp.Telemetry.Add(
                        new AmqpTelemetryBinding
                        {
                            Queue = ConsumeMessage.QueueOf(queue),
                            Tenant = Tenant,
                            Prefetch = prefetch,
                        }
                    );
            });
        using var app = builder.Build();
        await app
            .Services.GetRequiredService<IDeviceRegistry>()
            .AddManyAsync(
                Tenant,
                [
                    .. Enumerable
                        .Range(0, ConsumeMessage.Devices)
                        .Select(device => new Device { Id = DeviceId.Parse(ConsumeMessage.DeviceOf(device)) }),
                ]
            );
        await app.StartAsync();
        await meter.Done;
        await app.StopAsync();
        return meter.Result("insa.iiot", sink.P99Milliseconds);
    }

    private static ITelemetrySink Make(IServiceProvider services, ServiceDescriptor sink) =>
        (ITelemetrySink)(
            sink.ImplementationInstance
            ?? sink.ImplementationFactory?.Invoke(services)
            ?? ActivatorUtilities.CreateInstance(services, sink.ImplementationType!)
        );
}
