using System.Text;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Tests.Plugtests;

/// <summary>The plugtest server, and a client that sends just what a case says.</summary>
internal sealed class PlugtestWorld : IAsyncDisposable
{
    private ushort _id = 1000;

    private PlugtestWorld(CoapWorld world, PlugtestResources resources) => (World, Resources) = (world, resources);

    public CoapWorld World { get; }

    public PlugtestResources Resources { get; }

    public static async Task<PlugtestWorld> StartAsync()
    {
        var resources = new PlugtestResources();
        return new PlugtestWorld(await CoapWorld.StartAsync(resources.AddTo), resources);
    }

    /// <summary>Sends a request.</summary>
    /// <returns>Its message id.</returns>
    public ushort Send(
        CoapType type,
        CoapCode method,
        string path,
        byte[] token,
        byte[]? payload = null,
        params (int Number, byte[] Value)[] options
    )
    {
        var withToken = path + (path.Contains('?', StringComparison.Ordinal) ? "&" : "?") + CoapWorld.Token;
        World.Receive(Wire.Request(type, method, ++_id, token, withToken, payload ?? [], options));
        return _id;
    }

    /// <summary>Sends a confirmable request and reads the piggybacked answer, with the request's id and token.</summary>
    public async Task<Sent> AskAsync(CoapCode method, string path, byte[]? payload = null, params (int Number, byte[] Value)[] options)
    {
        byte[] token = [0xA, 0xB];
        var id = Send(CoapType.Confirmable, method, path, token, payload, options);
        var answer = await World.Wire.NextAsync();
        Assert.Equal((CoapType.Acknowledgement, id), (answer.Type, answer.Id));
        Assert.Equal(token, answer.Token);
        return answer;
    }

    public void Acknowledge(Sent sent) => World.Receive(Wire.Empty(CoapType.Acknowledgement, sent.Id));

    /// <summary>Reads a resource in blocks.</summary>
    public async Task<string> DownloadAsync(string path, int? exponent, CoapCode? method = null)
    {
        var body = new StringBuilder();
        byte[]? etag = null;
        for (var number = 0; ; number++)
        {
            (int, byte[])[] options =
                number == 0 && exponent is null
                    ? []
                    : [(CoapOptionNumber.Block2, Wire.UInt(new CoapBlock(number, false, exponent ?? CoapBlock.LargestExponent).Value))];
            var answer = await AskAsync(method ?? CoapCode.Get, path, null, options);
            Assert.Equal(CoapCode.Content, answer.Code);
            var block = answer.Block(CoapOptionNumber.Block2);
            Assert.Equal((number, exponent ?? CoapBlock.LargestExponent), (block.Number, block.SizeExponent));
            Assert.True(block.HasMore ? answer.Payload.Length == block.Size : answer.Payload.Length <= block.Size);
            Assert.Equal(etag ?? answer.Option(CoapOptionNumber.ETag), answer.Option(CoapOptionNumber.ETag));
            etag = answer.Option(CoapOptionNumber.ETag);
            body.Append(answer.Text);
            if (!block.HasMore)
                return body.ToString();
        }
    }

    /// <summary>Sends a body in blocks.</summary>
    public async Task<Sent> UploadAsync(CoapCode method, string path, string text, int exponent)
    {
        var body = Encoding.UTF8.GetBytes(text);
        var size = 1 << (exponent + 4);
        for (var number = 0; ; number++)
        {
            var block = new CoapBlock(number, (number + 1) * size < body.Length, exponent);
            var answer = await AskAsync(
                method,
                path,
                body[(number * size)..Math.Min(body.Length, (number + 1) * size)],
                (CoapOptionNumber.Block1, Wire.UInt(block.Value))
            );
            Assert.Equal(block.HasMore, answer.Block(CoapOptionNumber.Block1).HasMore);
            if (!block.HasMore)
                return answer;
            Assert.Equal(CoapCode.Continue, answer.Code);
        }
    }

    public ValueTask DisposeAsync()
    {
        Resources.ReleaseSeparate();
        return World.DisposeAsync();
    }
}
