using System.Net;
using System.Threading.Channels;
using Insa.Iiot.Protocols.Coap.Dtls;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Tests.Dtls;

/// <summary>A client that keeps what it receives.</summary>
internal sealed class DtlsClient : IDatagramHandler, IDisposable
{
    private readonly Channel<byte[]> _received = Channel.CreateBounded<byte[]>(1024);
    private DtlsClientTransport? _transport;

    public DtlsClientTransport Transport => _transport!;

    public static async Task<DtlsClient> Connect(IPEndPoint server, DtlsClientSettings settings)
    {
        var client = new DtlsClient();
        client._transport = await DtlsClientTransport.ConnectAsync(
            server,
            settings,
            client,
            TimeProvider.System,
            TestContext.Current.CancellationToken
        );
        return client;
    }

    public async Task<byte[]> Receive() => await _received.Reader.ReadAsync().AsTask().WaitAsync(DtlsHost.Patience);

    /// <summary>Sends a message that is no CoAP and takes what comes back.</summary>
    public async Task<string> Echo(string text)
    {
        Assert.True(Transport.Send(System.Text.Encoding.ASCII.GetBytes(text)));
        return System.Text.Encoding.ASCII.GetString(await Receive());
    }

    void IDatagramHandler.Receive(in PeerAddress peer, ReadOnlySpan<byte> datagram) => _received.Writer.TryWrite(datagram.ToArray());

    void IDatagramHandler.Tick() { }

    public void Dispose() => _transport?.Dispose();
}
