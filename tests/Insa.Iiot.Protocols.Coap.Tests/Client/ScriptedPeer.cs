using System.Collections.Concurrent;
using System.Text;
using Insa.Iiot.Protocols.Coap.Client;
using Insa.Iiot.Protocols.Coap.Messages;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Protocols.Coap.Tests.Client;

/// <summary>The server's end of a client's link, played by a test: it says what no real server would, and when.</summary>
internal sealed class ScriptedPeer : ICoapClientTransport
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ConcurrentQueue<byte[]> _sent = new();
    private readonly SemaphoreSlim _count = new(0);
    private Action<ReadOnlySpan<byte>> _receive = null!;

    public FakeTimeProvider Time { get; } = new();

    /// <summary>A client whose first wait for an acknowledgement is 2 s.</summary>
    public CoapClient MakeClient(Action<CoapClientOptions>? configure = null, string? uriHost = null)
    {
        var options = new CoapClientOptions { TimeProvider = Time, AckRandomFactor = 1 };
        configure?.Invoke(options);
        return new CoapClient(this, options.ToChecked(), uriHost);
    }

    public void Start(Action<ReadOnlySpan<byte>> receive) => _receive = receive;

    public void Send(ReadOnlySpan<byte> datagram)
    {
        _sent.Enqueue(datagram.ToArray());
        _count.Release();
    }

    public async ValueTask DisposeAsync() => await Task.CompletedTask;

    /// <summary>Waits for the next message of the client.</summary>
    public async Task<SeenMessage> NextAsync()
    {
        Assert.True(await _count.WaitAsync(Patience), "The client sent nothing.");
        Assert.True(_sent.TryDequeue(out var datagram));
        return SeenMessage.Read(datagram);
    }

    public void AssertSilent() => Assert.Empty(_sent);

    public void Say(ReadOnlySpan<byte> datagram) => _receive(datagram);

    public void Say(CoapType type, CoapCode code, int id, byte[] token, string payload = "", params CoapOption[] options)
    {
        var writer = new CoapMessageWriter(new byte[2048]);
        writer.WriteHeader(new CoapHeader(type, code, (ushort)id), token);
        foreach (var option in options.OrderBy(option => option.Number))
            writer.WriteOption(option.Number, option.Value.Span);
        writer.WritePayload(Encoding.UTF8.GetBytes(payload));
        _receive(writer.Written);
    }

    /// <summary>Answers with the acknowledgement.</summary>
    public void Answer(SeenMessage request, CoapCode code, string payload = "", params CoapOption[] options) =>
        Say(CoapType.Acknowledgement, code, request.Id, request.Token, payload, options);

    public void Acknowledge(SeenMessage message) => Say(CoapType.Acknowledgement, default, message.Id, []);

    public void Reset(SeenMessage message) => Say(CoapType.Reset, default, message.Id, []);

    public static CoapOption Option(int number, uint value) =>
        new(number, BitConverter.GetBytes(value).Reverse().SkipWhile(b => b == 0).ToArray());

    public static CoapOption Block(int number, int block, bool hasMore, int size) =>
        Option(number, new CoapBlock(block, hasMore, int.Log2(size) - 4).Value);
}
