using System.Collections.Concurrent;
using Insa.Iiot.Protocols.Mqtt.Connections;
using Insa.Iiot.Protocols.Mqtt.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using MQTTnet.Adapter;
using MQTTnet.Diagnostics.Logger;
using MQTTnet.Protocol;
using MQTTnet.Server;

namespace Insa.Iiot.Protocols.Mqtt.Messaging;

/// <summary>Takes all that is not telemetry to MQTTnet: subscriptions, messages within a device's own topics, wills, retained messages, kept sessions. Commands pass it by.</summary>
/// <remarks>A client is attached when it first needs it, so that one that only publishes telemetry costs the broker nothing.</remarks>
internal sealed class DeviceBroker : IMqttServerAdapter, IHostedService
{
    private const int MaxPendingMessages = 256;

    private readonly MqttEndpointOptions _options;
    private readonly MqttMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly IDeviceCommands? _commands;
    private readonly MqttServer _server;
    private readonly ConcurrentDictionary<(TenantId, DeviceId), DeviceTopics> _devices = new();
    private readonly ConcurrentDictionary<string, DeviceTopics> _keptSessions = new(StringComparer.Ordinal);

    public DeviceBroker(IOptions<MqttEndpointOptions> options, MqttMetrics metrics, TimeProvider time, IDeviceCommands? commands = null)
    {
        _options = options.Value;
        _metrics = metrics;
        _time = time;
        _commands = commands;
        var server = new MqttServerOptions
        {
            EnablePersistentSessions = true,
            MaxPendingMessagesPerClient = MaxPendingMessages,
            PendingMessagesOverflowStrategy = MqttPendingMessagesOverflowStrategy.DropNewMessage,
        };
        _server = new MqttServerFactory().CreateMqttServer(server, [this], new MqttNetNullLogger());
        _server.InterceptingSubscriptionAsync += OnSubscribing;
        _server.SessionDeletedAsync += OnSessionDeleted;
    }

    public Func<IMqttChannelAdapter, Task>? ClientHandler { get; set; }

    Task IHostedService.StartAsync(CancellationToken cancellationToken)
    {
        _commands?.Changed += OnCommands;
        return _server.StartAsync();
    }

    Task IHostedService.StopAsync(CancellationToken cancellationToken)
    {
        _commands?.Changed -= OnCommands;
        return _server.StopAsync(new MqttServerStopOptions());
    }

    Task IMqttServerAdapter.StartAsync(MqttServerOptions options, IMqttNetLogger logger) => Task.CompletedTask;

    Task IMqttServerAdapter.StopAsync() => Task.CompletedTask;

    public void Dispose() => _server.Dispose();

    /// <summary>Lets MQTTnet know of a client. Its handler runs until the channel is closed.</summary>
    public BrokerChannel Attach(ConnectRequest client, IBrokerOutput output)
    {
        // A device could otherwise fill memory with the sessions of ever new client ids.
        var device = TopicsOf(client.Session);
        var isKept = client.SessionExpiry > 0 && device.MayKeepSession(client.ClientId, _options.MaxSessionsPerDevice);
        var channel = new BrokerChannel(client, isKept, device, output, _commands, _metrics, _time);
        if (isKept)
            _keptSessions[channel.ClientId] = device;
        channel.Run(ClientHandler!);
        return channel;
    }

    /// <summary>Whether a device may retain a message: a bounded number of topics each.</summary>
    public bool MayRetain(DeviceSession session, string topic, bool isEmpty) =>
        TopicsOf(session).MayRetain(topic, isEmpty, _options.MaxRetainedPerDevice);

    private DeviceTopics TopicsOf(DeviceSession session) => _devices.GetOrAdd((session.Tenant, session.Device), _ => new DeviceTopics());

    private void OnCommands(TenantId tenant, DeviceId device)
    {
        if (_devices.TryGetValue((tenant, device), out var topics))
            topics.WakeListeners();
    }

    private Task OnSubscribing(InterceptingSubscriptionEventArgs e)
    {
        // The device's own names come first, which hold no slash.
        var filter = e.TopicFilter.Topic.Split('/', 3)[^1];
        var reason =
            !TopicSpace.IsFilter(filter) ? MqttSubscribeReasonCode.TopicFilterInvalid
            : filter.StartsWith("$share/", StringComparison.Ordinal) ? MqttSubscribeReasonCode.SharedSubscriptionsNotSupported
            : !TopicSpace.MaySubscribe(filter) ? MqttSubscribeReasonCode.NotAuthorized
            : MqttSubscribeReasonCode.GrantedQoS0;
        if (reason == MqttSubscribeReasonCode.GrantedQoS0)
            return Task.CompletedTask;
        e.ProcessSubscription = false;
        e.Response.ReasonCode = reason;
        return Task.CompletedTask;
    }

    private Task OnSessionDeleted(SessionDeletedEventArgs e)
    {
        // The device's own names come first, which hold no slash.
        if (_keptSessions.TryRemove(e.Id, out var device))
            device.ForgetSession(e.Id.Split('/', 3)[^1]);
        return Task.CompletedTask;
    }
}
