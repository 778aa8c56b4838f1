using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Tests;

/// <summary>Takes what an endpoint sends, and keeps it for the test.</summary>
internal sealed class Wire : IDatagramSender
{
    public static readonly PeerAddress Near = PeerAddress.From(new IPEndPoint(IPAddress.Loopback, 40_000));
    public static readonly PeerAddress Far = PeerAddress.From(new IPEndPoint(IPAddress.Parse("192.0.2.7"), 40_000));

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Channel<(PeerAddress Peer, byte[] Datagram)> _sent = Channel.CreateUnbounded<(PeerAddress, byte[])>();

    private long _bytesToFar;

    /// <summary>The bytes sent to <see cref="Far"/>, an address that may be forged.</summary>
    public long BytesToFar => Interlocked.Read(ref _bytesToFar);

    public void Send(in PeerAddress peer, ReadOnlySpan<byte> datagram)
    {
        if (peer == Far)
            Interlocked.Add(ref _bytesToFar, datagram.Length);
        _sent.Writer.TryWrite((peer, datagram.ToArray()));
    }

    /// <summary>The next message, waited for.</summary>
    public async Task<Sent> NextAsync() => new(await _sent.Reader.ReadAsync().AsTask().WaitAsync(Patience));

    /// <summary>The next message, if it is there already.</summary>
    public Sent? Next() => _sent.Reader.TryRead(out var sent) ? new Sent(sent) : null;

    public static byte[] Request(
        CoapType type,
        CoapCode code,
        ushort id,
        ReadOnlySpan<byte> token,
        string path,
        ReadOnlySpan<byte> payload = default,
        params (int Number, byte[] Value)[] options
    )
    {
        var buffer = new byte[4096];
        var writer = new CoapMessageWriter(buffer);
        writer.WriteHeader(new CoapHeader(type, code, id), token);
        var all = path.Split('?')[0]
            .Split('/', StringSplitOptions.RemoveEmptyEntries)
            .Select(segment => (CoapOptionNumber.UriPath, System.Text.Encoding.UTF8.GetBytes(segment)))
            .Concat(
                path.Contains('?', StringComparison.Ordinal)
                    ? path[(path.IndexOf('?', StringComparison.Ordinal) + 1)..]
                        .Split('&')
                        .Select(argument => (CoapOptionNumber.UriQuery, System.Text.Encoding.UTF8.GetBytes(argument)))
                    : []
            )
            .Concat(options.Select(option => (option.Number, option.Value)));
        foreach (var (number, value) in all.OrderBy(option => option.Item1))
            writer.WriteOption(number, value);
        writer.WritePayload(payload);
        Assert.False(writer.IsTruncated);
        return writer.Written.ToArray();
    }

    public static byte[] Empty(CoapType type, ushort id)
    {
        var bytes = new byte[CoapHeader.Length];
        new CoapHeader(type, default, id).Write(bytes, 0);
        return bytes;
    }

    public static byte[] UInt(uint value)
    {
        var bytes = new List<byte>();
        for (; value > 0; value >>= 8)
            bytes.Insert(0, (byte)value);
        return [.. bytes];
    }
}
