using System.Collections.Concurrent;
using System.Net;
using Insa.Iiot.Protocols.Coap.Dtls;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Tests.Dtls;

/// <summary>A DTLS server on loopback that answers each CoAP request with a 2.05, and sends anything else back.</summary>
internal sealed class DtlsHost : IDatagramHandler, IDatagramSender, IDtlsSink, IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly UdpSocket _socket = new(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly ConcurrentQueue<Action> _jobs = new();

    public DtlsHost(Func<DtlsServerSettings, DtlsServerSettings>? adjust = null, TimeProvider? time = null)
    {
        var settings = Settings();
        settings = adjust?.Invoke(settings) ?? settings;
        Server = new DtlsServer(this, this, settings, time ?? TimeProvider.System);
        _socket.Start(this, "dtls test", static e => throw new InvalidOperationException("The DTLS server threw.", e));
    }

    public DtlsCredentials Credentials { get; } = new();

    public DtlsServer Server { get; }

    public IPEndPoint EndPoint => _socket.LocalEndPoint;

    public ConcurrentQueue<string> Refusals { get; } = new();

    public ConcurrentQueue<DtlsSession> ClosedSessions { get; } = new();

    public ConcurrentDictionary<long, DtlsSession> Seen { get; } = new();

    public ConcurrentQueue<DtlsSession> Moves { get; } = new();

    /// <summary>Sees what the server sends.</summary>
    public Action<PeerAddress, byte[]>? Tap { get; set; }

    /// <summary>Keeps what comes from the network instead of giving it to the server.</summary>
    public ConcurrentQueue<(PeerAddress Peer, byte[] Datagram)>? Withheld { get; set; }

    /// <summary>Whether what the server sends goes nowhere.</summary>
    public bool IsMute { get; set; }

    /// <summary>Says which datagrams the network loses: those of the server if true is given with them, those for it if false.</summary>
    public Func<byte[], bool, bool>? Loses { get; set; }

    public Exception? Failure { get; private set; }

    public DtlsServerSettings Settings() =>
        new()
        {
            Authenticator = Credentials,
            Keys = Credentials,
            Refused = Refusals.Enqueue,
            WakeAddress = PeerAddress.From(_socket.LocalEndPoint),
        };

    /// <summary>Does something on the socket's thread.</summary>
    public Task<T> On<T>(Func<DtlsServer, T> action)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _jobs.Enqueue(() => done.SetResult(action(Server)));
        _socket.Send(PeerAddress.From(EndPoint), []);
        return done.Task.WaitAsync(Patience);
    }

    /// <summary>Waits until the server is as it should be, looking with each of its ticks.</summary>
    public async Task Until(Func<DtlsServer, bool> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!await On(condition))
            await Task.Delay(10, patience.Token);
    }

    public Task<DtlsClient> Connect(DtlsClientSettings? settings = null) =>
        DtlsClient.Connect(EndPoint, settings ?? new DtlsClientSettings { Psk = DtlsCredentials.Psk });

    void IDatagramSender.Send(in PeerAddress peer, ReadOnlySpan<byte> datagram)
    {
        if (IsMute)
            return;
        Tap?.Invoke(peer, datagram.ToArray());
        if (datagram.IsEmpty || Loses?.Invoke(datagram.ToArray(), true) != true)
            _socket.Send(peer, datagram);
    }

    void IDatagramHandler.Receive(in PeerAddress peer, ReadOnlySpan<byte> datagram)
    {
        if (Withheld is { } withheld)
        {
            withheld.Enqueue((peer, datagram.ToArray()));
            return;
        }

        if (Loses?.Invoke(datagram.ToArray(), false) == true)
            return;
        try
        {
            Server.Receive(peer, datagram);
        }
        catch (Exception e)
        {
            Failure ??= e;
        }
    }

    void IDatagramHandler.Tick()
    {
        try
        {
            Server.Tick();
            while (_jobs.TryDequeue(out var job))
                job();
        }
        catch (Exception e)
        {
            Failure ??= e;
        }
    }

    void IDtlsSink.Receive(DtlsSession session, ReadOnlySpan<byte> plaintext)
    {
        Seen.TryAdd(session.Id, session);
        if (!CoapHeader.TryRead(plaintext, out var header) || !CoapMessage.TryRead(plaintext, header.Code, out var request))
        {
            session.Send(plaintext);
            return;
        }

        var answer = new CoapMessageWriter(stackalloc byte[128]);
        answer.WriteHeader(new CoapHeader(CoapType.Acknowledgement, CoapCode.Content, header.MessageId), request.Token);
        answer.WritePayload("it works"u8);
        session.Send(answer.Written);
    }

    void IDtlsSink.Closed(DtlsSession session) => ClosedSessions.Enqueue(session);

    void IDtlsSink.Moved(DtlsSession session) => Moves.Enqueue(session);

    public void Dispose()
    {
        _socket.Dispose();
        Server.Dispose();
        Assert.Null(Failure);
    }
}
