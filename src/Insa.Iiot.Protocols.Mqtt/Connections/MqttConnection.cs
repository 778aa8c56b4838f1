using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using Insa.Iiot.Protocols.Mqtt.Diagnostics;
using Insa.Iiot.Protocols.Mqtt.Packets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.Mqtt.Connections;

/// <summary>One client's connection: a loop that reads packets in place, and one that sends replies in order.</summary>
/// <remarks>Split by aspect: this file connects and ends it, <c>.Receive</c> reads, <c>.Send</c> replies.</remarks>
internal sealed partial class MqttConnection
{
    private const int OtherReplies = 64;
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);

    private readonly ConnectionContext _transport;
    private readonly MqttEndpointOptions _options;
    private readonly ITelemetryIngress _ingress;
    private readonly IDeviceAuthenticator _authenticator;
    private readonly ClientRegistry _clients;
    private readonly MqttMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly PipeReader _input;
    private readonly PipeWriter _output;
    private readonly Channel<Reply> _replies;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int _replyCapacity;
    private int _inFlight;
    private byte _version;
    private DeviceSession _session = null!;
    private readonly CancellationTokenSource _ending = new();
    private MqttReason _endReason;
    private long _lastPacket;
    private bool _isHeldBack;

    public MqttConnection(
        ConnectionContext transport,
        MqttEndpointOptions options,
        ITelemetryIngress ingress,
        IDeviceAuthenticator authenticator,
        ClientRegistry clients,
        MqttMetrics metrics,
        TimeProvider time,
        ILogger logger
    )
    {
        _transport = transport;
        _options = options;
        _ingress = ingress;
        _authenticator = authenticator;
        _clients = clients;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _input = transport.Transport.Input;
        _output = transport.Transport.Output;
        _aliases = new byte[options.TopicAliasMaximum + 1][];

        // Bounded by what the client may have in flight, and some more for other replies. When a 3.1.1 client has more, reading stops.
        _replyCapacity = options.ReceiveMaximum + OtherReplies;
        _replies = Channel.CreateBounded<Reply>(new BoundedChannelOptions(_replyCapacity) { SingleReader = true, SingleWriter = true });
    }

    /// <summary>Completes when nothing of the connection is taken any more. Acknowledgements of what was taken may still be leaving.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Ends the connection because its client has connected anew.</summary>
    public void TakeOver() => End(MqttReason.SessionTakenOver);

    public async Task RunAsync()
    {
        ClientRegistry.ClientKey? key = null;
        try
        {
            if (await ConnectAsync().ConfigureAwait(false) is not { } client)
                return;
            key = client.Key;
            await _clients.TakeOverAsync(client.Key, this).ConfigureAwait(false);
            WriteConnAck(MqttReason.Success, client.AssignedId);
            await _output.FlushAsync().ConfigureAwait(false);
            _logger.Connected(_session.Tenant, _session.Device, _version);

            var stopping = _transport.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
            await using var stop = stopping.Register(() => End(MqttReason.ServerShuttingDown)).ConfigureAwait(false);
            await using var keepAlive = WatchKeepAlive(client.KeepAlive).ConfigureAwait(false);
            var sending = SendAsync();
            try
            {
                await ReceiveAsync().ConfigureAwait(false);
            }
            finally
            {
                _replies.Writer.Complete();
                _ended.TrySetResult();
                await FinishAsync(sending).ConfigureAwait(false);
            }
        }
        finally
        {
            if (key is { } taken)
                _clients.Remove(taken, this);
            _ended.TrySetResult();
        }
    }

    // A client that is replaced or does not answer gets a moment, and not until the store has committed what it sent: it sends it again.
    private async Task FinishAsync(Task sending)
    {
        if (_endReason is not (MqttReason.SessionTakenOver or MqttReason.KeepAliveTimeout))
        {
            await sending.ConfigureAwait(false);
            return;
        }

        using var farewell = new CancellationTokenSource(Farewell, _time);
        try
        {
            await sending.WaitAsync(farewell.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The sending loop ends with the commits it waits for, on a transport that is then gone.
            _transport.Abort();
        }
    }

    private async Task<(ClientRegistry.ClientKey Key, string? AssignedId, ushort KeepAlive)?> ConnectAsync()
    {
        using var deadline = new CancellationTokenSource(_options.ConnectTimeout, _time);
        while (true)
        {
            ReadResult read;
            try
            {
                read = await _input.ReadAsync(deadline.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (deadline.IsCancellationRequested)
            {
                _metrics.Refused("connect_timeout");
                return null;
            }

            var result = MqttFrame.TryRead(read.Buffer, _options.MaxConnectPacketBytes, out var frame);
            if (result == FrameResult.Incomplete && !read.IsCompleted)
            {
                _input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }

            if (result != FrameResult.Complete || frame.Type != MqttPacketType.Connect || frame.Flags != 0)
            {
                _metrics.Refused(result == FrameResult.TooLarge ? "packet_too_large" : "no_connect");
                return null;
            }

            var body = read.Buffer.Slice(frame.HeaderLength, frame.BodyLength).ToArray();
            _input.AdvanceTo(read.Buffer.GetPosition(frame.Length));
            return await AuthenticateAsync(body).ConfigureAwait(false);
        }
    }

    private async Task<(ClientRegistry.ClientKey Key, string? AssignedId, ushort KeepAlive)?> AuthenticateAsync(byte[] body)
    {
        var (reason, credential, clientId, keepAlive) = ReadConnect(body);
        DeviceSession? session = null;
        if (reason == MqttReason.Success)
        {
            try
            {
                session = await _authenticator.AuthenticateAsync(credential!).ConfigureAwait(false);
                if (session is null)
                    reason = MqttReason.BadUserNameOrPassword;
            }
            catch (TelemetryStoreException e)
            {
                _logger.AuthenticatorUnavailable(e);
                reason = MqttReason.ServerUnavailable;
            }
        }

        CryptographicOperations.ZeroMemory(body);
        if (reason != MqttReason.Success)
        {
            _metrics.Refused(MqttMetrics.NameOf(reason));
            if (reason != MqttReason.MalformedPacket)
            {
                WriteConnAck(reason, assignedId: null);
                await _output.FlushAsync().ConfigureAwait(false);
            }

            return null;
        }

        _session = session!;
        var assigned = clientId.Length == 0 ? "auto-" + Guid.NewGuid().ToString("N") : null;
        return (new ClientRegistry.ClientKey(_session.Tenant, _session.Device, assigned ?? clientId), assigned, keepAlive);
    }

    private (MqttReason Reason, DeviceCredential? Credential, string ClientId, ushort KeepAlive) ReadConnect(byte[] body)
    {
        var reason = ConnectPacket.TryRead(body, out var packet);
        _version = packet.Version;
        if (reason != MqttReason.Success)
            return (reason, null, "", 0);
        if (packet.HasAuthentication)
            return (MqttReason.BadAuthenticationMethod, null, "", 0);

        // A will would be a message of somebody who cannot be told what became of it; telemetry has none.
        if (packet.HasWill)
            return (MqttReason.NotAuthorized, null, "", 0);
        if (packet is { Version: 4, CleanStart: false, ClientId.IsEmpty: true })
            return (MqttReason.ClientIdentifierNotValid, null, "", 0);

        var userName = packet.HasUserName ? Encoding.UTF8.GetString(packet.UserName) : null;
        var certificate = _transport.Features.Get<ITlsConnectionFeature>()?.ClientCertificate;
        var credential = certificate is not null
            ? DeviceCredential.FromCertificate(SHA256.HashData(certificate.RawData), userName)
            : DeviceCredential.FromPassword(userName ?? "", packet.Password.ToArray());
        return (MqttReason.Success, credential, Encoding.UTF8.GetString(packet.ClientId), packet.KeepAlive);
    }

    private ITimer WatchKeepAlive(ushort keepAliveSeconds)
    {
        _lastPacket = _time.GetTimestamp();
        if (keepAliveSeconds == 0)
            return _time.CreateTimer(_ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        // §3.1.2.10: one and a half times the keep alive.
        var limit = TimeSpan.FromSeconds(keepAliveSeconds * 1.5);
        ITimer? timer = null;
        timer = _time.CreateTimer(
            _ =>
            {
                var idle = _time.GetElapsedTime(Volatile.Read(ref _lastPacket));
                if (Volatile.Read(ref _isHeldBack))
                    timer?.Change(limit, Timeout.InfiniteTimeSpan);
                else if (idle >= limit)
                    End(MqttReason.KeepAliveTimeout);
                else
                    timer?.Change(limit - idle, Timeout.InfiniteTimeSpan);
            },
            null,
            limit,
            Timeout.InfiniteTimeSpan
        );
        return timer;
    }

    // Stops the reading loop; the sending one then sends what is due, says why, and closes.
    private void End(MqttReason reason)
    {
        if (_endReason == MqttReason.Success)
            _endReason = reason;
        _ending.Cancel();
        _input.CancelPendingRead();
    }
}
