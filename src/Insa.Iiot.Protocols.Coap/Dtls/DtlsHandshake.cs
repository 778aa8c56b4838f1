using Insa.Iiot.Protocols.Coap.Transport;
using Org.BouncyCastle.Tls;
using Org.BouncyCastle.Tls.Crypto;

namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>One handshake of a client whose address is verified.</summary>
internal sealed class DtlsHandshake(
    PeerAddress peer,
    UInt128 helloId,
    byte[] connectionId,
    DtlsRequest request,
    HandshakeTransport transport,
    long startedAt
) : IDisposable
{
    private readonly CancellationTokenSource _cancellation = new();

    public PeerAddress Peer => peer;

    /// <summary>Tells a repeated ClientHello from that of a new attempt.</summary>
    public UInt128 HelloId => helloId;

    public byte[] ConnectionId => connectionId;

    public HandshakeTransport Transport => transport;

    public long StartedAt => startedAt;

    /// <summary>What came of it, when it has ended: a device and its keys, or a reason.</summary>
    public DeviceSession? Device { get; private set; }

    public DtlsRecords? Records { get; private set; }

    public string? Refusal { get; private set; }

    /// <summary>Runs it to its end, on a thread that may block.</summary>
    public void Run(TlsCrypto crypto, DtlsServerSettings settings, CpuGate gate)
    {
        gate.Enter();
        var server = new DtlsServerPeer(crypto, settings, transport, gate, connectionId, _cancellation.Token);
        try
        {
            // What Accept returns is BouncyCastle's record layer, which is not used: see DtlsRecords.
            new DtlsServerProtocol().Accept(server, transport, request);
            (Device, Records) = (server.Device, server.Records);
        }
        catch (Exception e)
        {
            // A stranger's handshake fails for any reason, and none of them is worth more than a count.
            server.Records?.Dispose();
            Refusal =
                server.Refusal
                ?? e switch
                {
                    HandshakeAbortedException or TlsTimeoutException => DtlsRefusal.HandshakeTimeout,
                    TlsFatalAlert { AlertDescription: AlertDescription.decrypt_error } => DtlsRefusal.WrongKey,
                    _ => DtlsRefusal.HandshakeFailed,
                };
        }
        finally
        {
            gate.Leave();
        }
    }

    /// <summary>Gives it up; its thread ends it soon.</summary>
    public void Abort()
    {
        transport.Abort();
        _cancellation.Cancel();
    }

    public void Dispose() => _cancellation.Dispose();
}
