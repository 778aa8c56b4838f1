using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Oscore;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Tests.Oscore;

/// <summary>A device that protects its requests message by message, so that a test can lose, repeat and change them.</summary>
internal sealed class OscoreDevice : IDisposable
{
    private readonly OscoreContext _context;
    private readonly Dictionary<ushort, long> _byId = [];
    private readonly Dictionary<string, long> _byToken = [];
    private long _sequence;

    public OscoreDevice(DevicePsk psk, string? claims = null, byte[]? kid = null) =>
        _context = new OscoreContext(
            OscoreIdentity.ToMasterSecret(psk.Key.Span),
            [],
            kid ?? OscoreIdentity.ClientId,
            OscoreIdentity.ServerId,
            OscoreIdentity.ToIdContext(claims ?? psk.Identity)
        );

    public PeerAddress Address { get; set; } = Wire.Near;

    /// <summary>Protects a request.</summary>
    public byte[] Protect(
        ushort id,
        CoapCode method,
        string path,
        ReadOnlySpan<byte> payload = default,
        CoapType type = CoapType.Confirmable,
        byte token = 7,
        byte[]? echo = null,
        params (int Number, byte[] Value)[] options
    )
    {
        if (echo is not null)
            options = [.. options, (CoapOptionNumber.Echo, echo)];
        var plain = Wire.Request(type, method, id, [token], path, payload, options);
        var iv = new byte[8];
        iv = iv[..OscoreContext.WritePartialIv(_sequence, iv)];
        var datagram = new byte[UdpSocket.MaxDatagramBytes];
        Assert.True(OscoreMessages.TryProtect(_context, plain, _context.SenderId, iv, iv, true, datagram, out var length));
        _byId[id] = _byToken[Convert.ToHexString([token])] = _sequence++;
        return datagram[..length];
    }

    /// <summary>Opens a response; <see langword="null"/> if it is not the server's.</summary>
    public Sent? Open(Sent sent)
    {
        if (sent.Option(CoapOptionNumber.Oscore) is not { } value)
            return null;
        Assert.True(OscoreOption.TryRead(value, out var option));
        var sequence = sent.Type == CoapType.Acknowledgement ? _byId[sent.Id] : _byToken[Convert.ToHexString(sent.Token)];
        var iv = new byte[8];
        iv = iv[..OscoreContext.WritePartialIv(sequence, iv)];
        var plain = new byte[UdpSocket.MaxDatagramBytes];
        return OscoreMessages.TryOpen(_context, sent.Datagram, _context.SenderId, iv, option.PartialIv, plain, out var length)
            ? new Sent((sent.Peer, plain[..length]))
            : null;
    }

    /// <summary>The number a response was sealed under; -1 if it has none of its own.</summary>
    public static long NumberOf(Sent sent)
    {
        if (sent.Option(CoapOptionNumber.Oscore) is not { } value)
            return -1;
        Assert.True(OscoreOption.TryRead(value, out var option));
        return option.PartialIv.IsEmpty ? -1 : OscoreContext.ReadPartialIv(option.PartialIv);
    }

    public void Dispose() => _context.Dispose();
}
