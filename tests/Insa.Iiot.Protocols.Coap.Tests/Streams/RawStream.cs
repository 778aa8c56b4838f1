using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Streams;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Tests.Streams;

/// <summary>A connection to the server, or of a client, whose bytes are the test's.</summary>
internal sealed class RawStream : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TcpClient _client;
    private readonly NetworkStream _stream;
    private byte[] _received = [];

    private RawStream(TcpClient client) => (_client, _stream) = (client, client.GetStream());

    public static byte[] Csm { get; } = [0x00, 0xE1];

    /// <summary>Connects, and reads the server's CSM.</summary>
    public static async Task<RawStream> OpenAsync(IPEndPoint address, bool greets = true)
    {
        var client = new TcpClient();
        await client.ConnectAsync(address);
        var raw = new RawStream(client);
        Assert.Equal(Signal.Csm, (await raw.NextAsync())!.Code);
        if (greets)
            await raw.SendAsync(Csm);
        return raw;
    }

    /// <summary>Takes a client's connection, and says what a server is able to.</summary>
    public static async Task<RawStream> AcceptAsync(TcpListener listener, byte[] csm)
    {
        var raw = new RawStream(await listener.AcceptTcpClientAsync());
        await raw.SendAsync(csm);
        return raw;
    }

    /// <summary>Makes a frame of what is written as a datagram.</summary>
    public static byte[] Frame(ReadOnlySpan<byte> datagram)
    {
        var header = new byte[StreamFrame.MaxHeaderLength];
        var length = StreamFrame.WriteHeader(header, datagram);
        return [.. header.AsSpan(0, length), .. datagram[CoapHeader.Length..]];
    }

    public static byte[] Post(string json, byte token = 7, string path = "telemetry?" + CoapWorld.Token) =>
        Frame(Wire.Request(CoapType.NonConfirmable, CoapCode.Post, 0, [token], path, System.Text.Encoding.UTF8.GetBytes(json)));

    public static byte[] Ask(CoapCode method, string path, byte token, params (int Number, byte[] Value)[] options) =>
        Frame(Wire.Request(CoapType.NonConfirmable, method, 0, [token], path, default, options));

    public async Task SendAsync(params byte[][] frames) => await _stream.WriteAsync(frames.SelectMany(frame => frame).ToArray());

    /// <summary>The next message; <see langword="null"/> at the end of the connection.</summary>
    public async Task<Sent?> NextAsync()
    {
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var unread = new ReadOnlySequence<byte>(_received);
            if (StreamFrame.TryRead(unread, int.MaxValue, out var frame) == StreamFrameResult.Complete)
            {
                var datagram = new byte[CoapHeader.Length + frame.Length - frame.HeaderLength];
                new CoapHeader(CoapType.NonConfirmable, frame.Code, 0).Write(datagram, frame.TokenNibble);
                _received.AsSpan(frame.HeaderLength, frame.Length - frame.HeaderLength).CopyTo(datagram.AsSpan(CoapHeader.Length));
                _received = _received[frame.Length..];
                return new Sent((default, datagram));
            }

            int length;
            try
            {
                length = await _stream.ReadAsync(buffer).AsTask().WaitAsync(Patience);
            }
            catch (IOException)
            {
                return null;
            }

            if (length == 0)
                return null;
            _received = [.. _received, .. buffer.AsSpan(0, length)];
        }
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return default;
    }
}
