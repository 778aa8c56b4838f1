using System.Buffers;
using System.Net;
using Insa.Iiot.Protocols.Coap.Blockwise;
using Insa.Iiot.Protocols.Coap.Exchange;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Tests.Blockwise;

public sealed class BodyAssemblerTests
{
    private const int Lifetime = 10;

    private readonly Peer _peer = new(
        PeerAddress.From(new IPEndPoint(IPAddress.Loopback, 1)),
        TenantId.Parse("plant"),
        DeviceId.Parse("press")
    );

    [Fact]
    public void A_body_that_goes_on_late_is_not_swept_while_it_grows()
    {
        var assembler = new BodyAssembler(maxBodyBytes: 256, maxBytes: 704, Lifetime);
        Assert.Equal(BodyState.Continue, Add(assembler, key: 1, number: 0, hasMore: true, now: 0));

        // Others fill the room, so that the next part of the first makes the assembler sweep.
        for (byte key = 2; Add(assembler, key, number: 0, hasMore: true, now: 0) == BodyState.Continue; key++) { }
        Assert.Equal(BodyState.Continue, Add(assembler, key: 1, number: 1, hasMore: true, now: Lifetime + 1));
        Assert.Equal(1, assembler.Count);
        Assert.Equal(BodyState.Complete, Add(assembler, key: 1, number: 2, hasMore: false, now: Lifetime + 1));
        Assert.Equal((0, 0, 0), (assembler.Count, assembler.Bytes, _peer.UploadBytes));
    }

    [Fact]
    public void What_waits_too_long_is_forgotten_with_its_room()
    {
        var assembler = new BodyAssembler(maxBodyBytes: 256, maxBytes: 2048, Lifetime);
        Add(assembler, key: 1, number: 0, hasMore: true, now: 0);
        assembler.Sweep(Lifetime);
        Assert.Equal(1, assembler.Count);
        assembler.Sweep(Lifetime + 1);
        Assert.Equal((0, 0, 0), (assembler.Count, assembler.Bytes, _peer.UploadBytes));
        Assert.Equal(BodyState.Incomplete, Add(assembler, key: 1, number: 1, hasMore: true, now: Lifetime + 1));
    }

    private BodyState Add(BodyAssembler assembler, byte key, int number, bool hasMore, long now)
    {
        var part = new byte[64];
        part.AsSpan().Fill((byte)number);
        var state = assembler.Add(_peer, new BodyKey(key), new CoapBlock(number, hasMore, 2), part, 0, now, out var body, out var length);
        if (state != BodyState.Complete)
            return state;
        Assert.Equal(192, length);
        Assert.Equal([0, 1, 2], new[] { body![0], body[64], body[128] });
        ArrayPool<byte>.Shared.Return(body);
        return state;
    }
}
