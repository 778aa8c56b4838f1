using System.Globalization;
using System.Text;
using Insa.Iiot.Protocols.Amqp.Connections;
using Insa.Iiot.Protocols.Amqp.Diagnostics;
using Insa.Iiot.Protocols.Amqp.Publishing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Tests;

/// <summary>A publisher, and a queue of its own that is bound to <c>{queue}</c> at an exchange of the same name.</summary>
internal sealed class PublisherWorld : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static int _worlds;

    private readonly ServiceProvider _services;
    private readonly Uri _uri;
    private readonly Dictionary<string, object?> _arguments;

    private PublisherWorld(Uri uri, TimeSpan? timeout, int window, bool declares, params (string Name, object Value)[] arguments)
    {
        _uri = uri;
        _arguments = arguments.ToDictionary(one => one.Name, object? (one) => one.Value);
        _arguments["x-queue-type"] = "quorum";
        Queue = $"iiot.publish.{Interlocked.Increment(ref _worlds)}.{Environment.ProcessId}";
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.AddProvider(Logs).SetMinimumLevel(LogLevel.Trace));
        services
            .AddIiot()
            .AddAmqp(amqp =>
            {
                amqp.Uri = uri;
                amqp.DeclaresTopology = declares;
                amqp.MaxReconnectDelay = TimeSpan.FromSeconds(1);
            });
        _services = services.BuildServiceProvider();
        Published = Collect("insa.iiot.amqp.published");
        Failures = Collect("insa.iiot.amqp.publish.failures");
        Blocked = Collect("insa.iiot.amqp.blocked");
        Publisher = new BrokerPublisher(_services.GetRequiredService<PublisherContext>(), "/", "tests", PrepareAsync, window, timeout);
    }

    public BrokerPublisher Publisher { get; }

    public BrokerHealth Health => _services.GetRequiredService<BrokerHealth>();

    public string Queue { get; }

    public FakeLoggerProvider Logs { get; } = new();

    public MetricCollector<long> Published { get; }

    public MetricCollector<long> Failures { get; }

    public MetricCollector<long> Blocked { get; }

    public static PublisherWorld Make(
        Uri uri,
        TimeSpan? timeout = null,
        int window = 256,
        bool declares = true,
        params (string Name, object Value)[] arguments
    ) => new(uri, timeout, window, declares, arguments);

    public Task PublishAsync(string text, string? routingKey = null, byte[]? body = null) =>
        Publisher.PublishAsync(Queue, routingKey ?? Queue, new BasicProperties { MessageId = text }, body ?? Encoding.UTF8.GetBytes(text));

    public static Task<PublishFailure?> OutcomeAsync(Task publish) =>
        publish.ContinueWith(
            task => task.Exception is { } e ? ((BrokerPublishException)e.InnerException!).Failure : (PublishFailure?)null,
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default
        );

    /// <summary>Takes all that is in the queue.</summary>
    public async Task<List<string>> TakeAllAsync()
    {
        await using var connection = await new ConnectionFactory { Uri = _uri, AutomaticRecoveryEnabled = false }.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync();
        var found = new List<string>();
        while (await channel.BasicGetAsync(Queue, autoAck: true) is { } message)
            found.Add(Encoding.UTF8.GetString(message.Body.Span));
        return found;
    }

    public async Task WaitForLogAsync(int id, int count = 1)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (CountOfLog(id) < count)
            await Task.Delay(20, patience.Token);
    }

    public int CountOfLog(int id) => Logs.Collector.GetSnapshot().Count(record => record.Id.Id == id);

    public string ReasonsOfFailures() =>
        string.Join(
            ' ',
            Failures
                .GetMeasurementSnapshot()
                .GroupBy(one => (string)one.Tags["reason"]!, StringComparer.Ordinal)
                .Select(one => one.Key + "=" + one.Sum(failure => failure.Value).ToString(CultureInfo.InvariantCulture))
        );

    public async ValueTask DisposeAsync()
    {
        await Publisher.DisposeAsync();
        await _services.DisposeAsync();
    }

    private MetricCollector<long> Collect(string name)
    {
        _services.GetRequiredService<AmqpMetrics>();
        return new MetricCollector<long>(
            _services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>(),
            "Insa.Iiot.Protocols.Amqp",
            name
        );
    }

    private async Task PrepareAsync(IChannel channel, bool declares, CancellationToken cancellationToken)
    {
        if (!declares)
        {
            await channel.ExchangeDeclarePassiveAsync(Queue, cancellationToken);
            return;
        }

        await channel.ExchangeDeclareAsync(Queue, ExchangeType.Topic, durable: true, cancellationToken: cancellationToken);
        await channel.QueueDeclareAsync(Queue, true, false, false, _arguments, cancellationToken: cancellationToken);
        await channel.QueueBindAsync(Queue, Queue, Queue, cancellationToken: cancellationToken);
    }
}
