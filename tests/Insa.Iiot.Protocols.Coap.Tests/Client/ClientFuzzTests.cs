using System.Text;
using CsCheck;
using Insa.Iiot.Protocols.Coap.Client;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Tests.Client;

public sealed class ClientFuzzTests : IAsyncDisposable
{
    private readonly ScriptedPeer _peer = new();

    public ValueTask DisposeAsync() => _peer.DisposeAsync();

    [Fact]
    public async Task Bytes_of_any_kind_do_no_harm()
    {
        await using var client = _peer.MakeClient();
        var asking = client.GetAsync("/a");
        var request = await _peer.NextAsync();
        Gen.Byte.Array[0, 80].Sample(datagram => _peer.Say(datagram), iter: 200_000, threads: 1);
        Assert.False(asking.IsCompleted);
        _peer.Answer(request, CoapCode.Content, "still there");
        Assert.Equal("still there", Encoding.UTF8.GetString((await asking).Payload.Span));
    }

    [Fact]
    public void Responses_with_some_bytes_changed_are_read_or_rejected()
    {
        var writer = new CoapMessageWriter(new byte[256]);
        writer.WriteHeader(new CoapHeader(CoapType.Acknowledgement, CoapCode.Content, 1), "token"u8);
        writer.WriteOption(CoapOptionNumber.ETag, "tag"u8);
        writer.WriteOption(CoapOptionNumber.Observe, 70000);
        writer.WriteOption(CoapOptionNumber.LocationPath, "path"u8);
        writer.WriteOption(CoapOptionNumber.ContentFormat, 50);
        writer.WriteOption(CoapOptionNumber.MaxAge, uint.MaxValue);
        writer.WriteOption(CoapOptionNumber.Block2, 0x1E);
        writer.WriteOption(CoapOptionNumber.Size2, 100_000);
        writer.WriteOption(CoapOptionNumber.Echo, "echo"u8);
        writer.WritePayload("payload"u8);
        var valid = writer.Written.ToArray();
        var read = 0;
        Gen.Select(Gen.Int[0, valid.Length - 1], Gen.Byte)
            .Array[1, 4]
            .Sample(
                changes =>
                {
                    var datagram = (byte[])valid.Clone();
                    foreach (var (at, value) in changes)
                        datagram[at] = value;
                    if (!CoapHeader.TryRead(datagram, out var header) || !CoapMessage.TryRead(datagram, header.Code, out var message))
                        return;
                    if (ResponseReader.TryRead(message, 0, isOfConnection: false, out var response))
                        read += response.Payload.Length > 0 ? 1 : 0;
                },
                iter: 200_000,
                threads: 1
            );
        Assert.True(read > 1000);
    }
}
