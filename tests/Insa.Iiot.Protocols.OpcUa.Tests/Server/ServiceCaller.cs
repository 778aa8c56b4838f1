using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.SecureChannel;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Server;

/// <summary>Calls services as a connection does, without one: requests are encoded and responses decoded, nothing travels.</summary>
internal sealed class ServiceCaller(ServiceTable table, UaSession? session, TimeProvider time) : IResponseOutput, IDisposable
{
    private readonly PooledOutput _output = new();
    private TaskCompletionSource<byte[]> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Exceptions of work on kept requests.</summary>
    public List<Exception> Failures { get; } = [];

    /// <summary>The context of the last call.</summary>
    public RequestContext? Context { get; private set; }

    /// <summary>Makes a session that is activated.</summary>
    public static UaSession Session(SessionIdentity identity) =>
        new(NodeId.Of(1000, 1), NodeId.Of(2000)) { Identity = identity, Channel = ChannelSecurity.Nothing };

    /// <summary>Calls a service whose answer is expected to be of a type.</summary>
    public async Task<TResponse> CallAsync<TResponse>(IUaEncodable request)
        where TResponse : IUaStructure<TResponse>
    {
        var answer = await SendAsync(request);
        return Decode<TResponse>(answer);
    }

    /// <summary>Calls a service that is expected to answer by a fault.</summary>
    public async Task<StatusCode> FaultAsync(IUaEncodable request)
    {
        var fault = await CallAsync<ServiceFault>(request);
        return fault.ResponseHeader!.ServiceResult;
    }

    /// <summary>Calls a service.</summary>
    /// <returns>The answer with the id of its encoding before it; it may never come.</returns>
    public Task<byte[]> SendAsync(IUaEncodable request)
    {
        _answer = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var encoded = new PooledOutput();
        var writer = new UaWriter(encoded);
        request.Encode(ref writer);
        writer.Flush();

        Assert.True(table.TryFind(request.EncodingId, out var service));
        Context = new RequestContext(this, time);
        var reader = new UaReader(encoded.WrittenSpan, EncodingLimits.Default);
        var whole = reader;
        Context.Start(ChannelSecurity.Nothing, 1, ref reader);
        Context.Session = session;
        if (service.ReadsHeader)
            service.Handler(Context, ref whole);
        else
            service.Handler(Context, ref reader);
        Assert.True(Context.IsAnswered || Context.IsKept, "The handler neither answered nor kept the request.");
        return _answer.Task;
    }

    public static TResponse Decode<TResponse>(byte[] answer)
        where TResponse : IUaStructure<TResponse>
    {
        var reader = new UaReader(answer, EncodingLimits.Default);
        Assert.Equal(TResponse.BinaryEncodingId, reader.NodeId().Numeric);
        var response = TResponse.Decode(ref reader);
        Assert.True(reader.Status.IsGood);
        Assert.Equal(0, reader.Remaining);
        return response;
    }

    public void Dispose() => _output.Dispose();

    IMessageOutput IResponseOutput.BeginMessage(uint requestId)
    {
        _output.Clear();
        return _output;
    }

    void IResponseOutput.EndMessage() => _answer.SetResult(_output.WrittenSpan.ToArray());

    bool IResponseOutput.CancelMessage(StatusCode reason)
    {
        _output.Clear();
        return true;
    }

    int IResponseOutput.CancelRequests(UaSession session, uint requestHandle) => 0;

    void IResponseOutput.Faulted(StatusCode status) { }

    void IResponseOutput.Failed(Exception exception) => Failures.Add(exception);

    void IResponseOutput.Release(RequestContext context) { }
}
