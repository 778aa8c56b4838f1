using System.Globalization;
using System.Text.Json;
using Insa.Iiot.LoadTest.Measuring;
using Insa.Iiot.LoadTest.Mqtt;
using Insa.Iiot.LoadTest.Serving;
using Insa.Iiot.Peers;
using RabbitMQ.Client;

namespace Insa.Iiot.LoadTest.Amqp;

/// <summary>Fills queues, before what is measured or meanwhile, and lets a consumer of a process of its own empty them; ours and the bare library in turn.</summary>
internal static class ConsumeBench
{
    private const int Window = 256;

    // It takes some 100,000 messages until the runtime has compiled for good what they pass through.
    private const int WarmUps = 2;

    public static async Task<int> RunAsync(ConsumeOptions options)
    {
        await using var broker = await RabbitMqBroker.StartAsync();
        await using var postgres = options.Store == "postgres" ? await PrivatePostgres.StartAsync() : null;
        var sides = options.ComparesBare ? new[] { "insa.iiot", "bare" } : ["insa.iiot"];
        var processes = sides.Select(side => new ConsumerClient(side, options, broker.Uri, postgres?.HostConnectionString)).ToList();
        var results = new List<ConsumeResult>();
        try
        {
            await DeclareAsync(broker.Uri, options);

            // Nine years back, and a month for every run: each message of a device has a time of its own, inside the window.
            var start = TimeProvider.System.GetUtcNow().AddYears(-9);
            for (var round = 1 - WarmUps; round <= options.Rounds; round++)
            {
                // Who goes first alternates too.
                foreach (var process in round % 2 == 0 ? processes : Enumerable.Reverse(processes))
                {
                    start = start.AddDays(1);
                    var filling = FillAsync(broker.Uri, options, options.Messages, start.ToUnixTimeMilliseconds());
                    if (!options.IsLive)
                        await filling;
                    var result = await process.RunAsync(options.Messages);
                    await filling;
                    await Console.Error.WriteLineAsync($"{(round <= 0 ? "warm-up" : $"round {round}")} {Line(result)}");
                    if (round > 0)
                        results.Add(result);
                }
            }

            await EmptyAsync(broker.Uri, options);
        }
        finally
        {
            foreach (var process in processes)
                await process.DisposeAsync();
        }

        Report(options, results);
        return 0;
    }

    private static async Task DeclareAsync(Uri broker, ConsumeOptions options)
    {
        await using var connection = await new ConnectionFactory { Uri = broker }.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync();
        for (var queue = 0; queue < options.Queues; queue++)
            await channel.QueueDeclareAsync(
                ConsumeMessage.QueueOf(queue),
                durable: true,
                exclusive: false,
                autoDelete: false,
                options.IsClassic ? null : new Dictionary<string, object?> { ["x-queue-type"] = "quorum" }
            );
        for (var queue = 0; queue < options.Queues; queue++)
        {
            await channel.ExchangeDeclareAsync(ConsumeMessage.QueueOf(queue), ExchangeType.Topic, durable: true);
            await channel.QueueBindAsync(ConsumeMessage.QueueOf(queue), ConsumeMessage.QueueOf(queue), "#");
        }
    }

    // Persistent and confirmed: what the consumers find is on the disk.
    private static async Task FillAsync(Uri broker, ConsumeOptions options, int count, long start)
    {
        await using var connection = await new ConnectionFactory { Uri = broker }.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(true, true, new ThrottlingRateLimiter(4 * Window), 1)
        );
        var properties = new BasicProperties { DeliveryMode = DeliveryModes.Persistent, ContentType = "application/json" };
        var window = new Queue<Task>();
        for (var number = 0; number < count; number++)
        {
            if (window.Count == Window)
                await window.Dequeue();
            window.Enqueue(
                channel
                    .BasicPublishAsync(
                        ConsumeMessage.QueueOf(number % options.Queues),
                        "telemetry." + ConsumeMessage.DeviceOf(number % ConsumeMessage.Devices),
                        mandatory: true,
                        properties,
                        ConsumeMessage.Write(number, start, options.Payload)
                    )
                    .AsTask()
            );
        }

        while (window.TryDequeue(out var confirmed))
            await confirmed;
    }

    private static async Task EmptyAsync(Uri broker, ConsumeOptions options)
    {
        await using var connection = await new ConnectionFactory { Uri = broker }.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync();
        for (var queue = 0; queue < options.Queues; queue++)
        {
            var left = await channel.MessageCountAsync(ConsumeMessage.QueueOf(queue));
            if (left != 0)
                throw new InvalidOperationException($"{left} messages were not acknowledged.");
        }
    }

    private static string Line(ConsumeResult result) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{result.Side, -10} {result.MessagesPerSecond, 9:N0} msg/s  {result.CpuMicrosecondsPerMessage, 6:F2} us CPU/msg  {result.AllocatedBytesPerMessage, 7:F1} B/msg  p99 {result.P99Milliseconds, 7:F2} ms  {result.Gen0Collections} collections"
        );

    private static void Report(ConsumeOptions options, List<ConsumeResult> results)
    {
        var medians = results
            .GroupBy(result => result.Side)
            .OrderBy(runs => runs.Key == "bare")
            .Select(runs => new ConsumeResult(
                runs.Key,
                runs.MedianOf(run => run.MessagesPerSecond),
                runs.MedianOf(run => run.CpuMicrosecondsPerMessage),
                runs.MedianOf(run => run.AllocatedBytesPerMessage),
                runs.MedianOf(run => run.P99Milliseconds),
                (int)runs.MedianOf(run => run.Gen0Collections)
            ))
            .ToList();
        if (options.Json)
        {
            Console.WriteLine(
                JsonSerializer.Serialize(
                    new
                    {
                        options,
                        cores = Environment.ProcessorCount,
                        runs = results,
                        medians,
                    },
                    MqttLoad.Json
                )
            );
            return;
        }

        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{options.Messages:N0} messages of {options.Payload} bytes, persistent, published {(options.IsLive ? "meanwhile" : "before")}, in {options.Queues} {(options.IsClassic ? "classic" : "quorum")} queues, prefetch {options.Prefetch}, store {options.Store}, {options.Rounds} rounds, {Environment.ProcessorCount} cores shared with the broker; medians:"
            )
        );
        foreach (var side in medians)
            Console.WriteLine("  " + Line(side));
        if (medians.Count == 2)
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  ratio {medians[0].MessagesPerSecond / medians[1].MessagesPerSecond:F2} x the messages, {medians[0].CpuMicrosecondsPerMessage - medians[1].CpuMicrosecondsPerMessage:+0.00;-0.00} us CPU/msg, {medians[0].AllocatedBytesPerMessage - medians[1].AllocatedBytesPerMessage:+0.0;-0.0} B/msg"
                )
            );
    }
}
