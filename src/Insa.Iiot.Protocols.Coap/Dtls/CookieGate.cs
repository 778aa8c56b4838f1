using Insa.Iiot.Protocols.Coap.Transport;
using Org.BouncyCastle.Tls;
using Org.BouncyCastle.Tls.Crypto;

namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>Answers a ClientHello with a cookie and keeps nothing, until one comes back with it (RFC 6347 §4.2.1).</summary>
/// <remarks>For the socket's thread. It looks at so many a second and drops the rest, so that a flood leaves time for the sessions.</remarks>
internal sealed class CookieGate : DatagramSender
{
    private static readonly TimeSpan SecretLifetime = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan BudgetPeriod = TimeSpan.FromMilliseconds(100);

    private readonly IDatagramSender _sender;
    private readonly TlsCrypto _crypto;
    private readonly TimeProvider _time;
    private readonly Action<string> _refused;
    private readonly int _budgetPerPeriod;
    private readonly byte[] _client = new byte[18];
    private DtlsVerifier _verifier;
    private DtlsVerifier? _former;
    private long _verifierSince;
    private long _periodStart;
    private int _spent;
    private PeerAddress _peer;
    private bool _isAnswering;

    public CookieGate(IDatagramSender sender, TlsCrypto crypto, DtlsServerSettings settings, TimeProvider time)
    {
        (_sender, _crypto, _time, _refused) = (sender, crypto, time, settings.Refused);
        _budgetPerPeriod = Math.Max(1, settings.MaxHellosPerSecond / (int)(TimeSpan.FromSeconds(1) / BudgetPeriod));
        _verifier = new DtlsVerifier(crypto);
        _verifierSince = _periodStart = time.GetTimestamp();
    }

    /// <returns>The request of a client that has shown that it receives at its address; <see langword="null"/> for any other.</returns>
    public DtlsRequest? Verify(in PeerAddress peer, ReadOnlySpan<byte> datagram, in ClientHello hello)
    {
        if (!TrySpend())
        {
            _refused(DtlsRefusal.HelloRate);
            return null;
        }

        Rotate();
        _peer = peer;
        peer.WriteIdentity(_client);
        var bytes = datagram.ToArray();
        var hasCookie = !hello.Cookie.IsEmpty;
        if (hasCookie && _former is not null && Verify(_former, bytes, isAnswering: false) is { } request)
            return request;
        return Verify(_verifier, bytes, isAnswering: true);
    }

    int DatagramSender.GetSendLimit() => UdpSocket.MaxDatagramBytes;

    void DatagramSender.Send(byte[] buf, int off, int len) => ((DatagramSender)this).Send(buf.AsSpan(off, len));

    void DatagramSender.Send(ReadOnlySpan<byte> buffer)
    {
        if (_isAnswering)
            _sender.Send(_peer, buffer);
    }

    private DtlsRequest? Verify(DtlsVerifier verifier, byte[] datagram, bool isAnswering)
    {
        _isAnswering = isAnswering;
        try
        {
            return verifier.VerifyRequest(_client, datagram, 0, datagram.Length, this);
        }
        catch (Exception)
        {
            // Whatever the parser thinks of a stranger's bytes: they are not a request.
            return null;
        }
    }

    private bool TrySpend()
    {
        var now = _time.GetTimestamp();
        if (_time.GetElapsedTime(_periodStart, now) >= BudgetPeriod)
            (_periodStart, _spent) = (now, 0);
        return _spent++ < _budgetPerPeriod;
    }

    private void Rotate()
    {
        if (_time.GetElapsedTime(_verifierSince) < SecretLifetime)
            return;
        (_former, _verifier) = (_verifier, new DtlsVerifier(_crypto));
        _verifierSince = _time.GetTimestamp();
    }
}
