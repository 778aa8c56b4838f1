namespace Insa.Iiot.Conformance;

/// <summary>A client of the protocol under test, as the suite drives it. Someone else's client library is best.</summary>
public interface IAdapterClient : IAsyncDisposable
{
    /// <summary>Sends platform JSON for the client's own device; does not wait for the answer.</summary>
    Task SendAsync(string json);

    /// <summary>Waits for the answer to the oldest message that has none yet.</summary>
    Task<AdapterReply> ReadReplyAsync();
}
