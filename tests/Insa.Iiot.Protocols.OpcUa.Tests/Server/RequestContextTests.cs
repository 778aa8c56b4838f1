using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Server;

public sealed class RequestContextTests
{
    private static readonly CancelRequest Request = new()
    {
        RequestHeader = new RequestHeader { RequestHandle = 7, TimeoutHint = 1500 },
    };

    [Fact]
    public async Task A_handler_writes_its_answer_itself()
    {
        using var caller = Caller(
            (RequestContext context, ref UaReader reader) =>
            {
                Assert.Equal(TimeSpan.FromMilliseconds(1500), context.Timeout);
                var writer = context.Begin(CancelResponse.BinaryEncodingId);
                writer.UInt32(5);
                context.End(ref writer);
            }
        );
        var response = await caller.CallAsync<CancelResponse>(Request);
        Assert.Equal(5u, response.CancelCount);
        Assert.Equal(7u, response.ResponseHeader!.RequestHandle);
    }

    [Fact]
    public async Task A_handler_of_whole_requests_gets_them_from_their_header_on()
    {
        using var caller = new ServiceCaller(
            new ServiceTable([
                new Module(table =>
                    table.Add<CancelRequest>(
                        (context, request) =>
                            context.Respond(
                                new CancelResponse { ResponseHeader = context.MakeHeader(), CancelCount = request.RequestHandle + 1 }
                            )
                    )
                ),
            ]),
            null,
            TimeProvider.System
        );
        var response = await caller.CallAsync<CancelResponse>(new CancelRequest { RequestHeader = new(), RequestHandle = 3 });
        Assert.Equal(4u, response.CancelCount);
    }

    [Fact]
    public async Task A_fault_takes_the_place_of_an_answer_that_was_begun()
    {
        using var caller = Caller(
            (RequestContext context, ref UaReader reader) =>
            {
                context.Begin(CancelResponse.BinaryEncodingId).UInt32(5);
                context.Fault(StatusCodes.BadNothingToDo);
            }
        );
        Assert.Equal(StatusCodes.BadNothingToDo, await caller.FaultAsync(Request));
    }

    [Fact]
    public async Task Work_may_answer_later()
    {
        var gate = new TaskCompletionSource();
        using var caller = Caller(
            (RequestContext context, ref UaReader reader) =>
            {
                context.AnswerBy(WorkAsync());
                async ValueTask WorkAsync()
                {
                    await gate.Task;
                    context.Fault(StatusCodes.BadNoData);
                }
            }
        );
        var pending = caller.FaultAsync(Request);
        Assert.True(caller.Context!.IsKept);
        gate.SetResult();
        Assert.Equal(StatusCodes.BadNoData, await pending);
    }

    [Fact]
    public async Task Work_may_hand_the_request_on_to_other_work()
    {
        var (first, second) = (new TaskCompletionSource(), new TaskCompletionSource());
        using var caller = Caller(
            (RequestContext context, ref UaReader reader) =>
            {
                context.AnswerBy(FirstAsync());
                async ValueTask FirstAsync()
                {
                    await first.Task;
                    context.AnswerBy(SecondAsync());
                }

                async ValueTask SecondAsync()
                {
                    await second.Task;
                    context.Fault(StatusCodes.BadNoData);
                }
            }
        );
        var pending = caller.FaultAsync(Request);
        first.SetResult();
        Assert.False(pending.IsCompleted);
        second.SetResult();
        Assert.Equal(StatusCodes.BadNoData, await pending);
    }

    [Fact]
    public async Task Work_that_was_handed_the_request_by_work_that_is_seen_later_answers_it()
    {
        var (first, second) = (new TaskCompletionSource(), new TaskCompletionSource());
        using var caller = Caller(
            (RequestContext context, ref UaReader reader) =>
            {
                // As if the first had gone on, on another thread, before it was looked at.
                context.AnswerBy(SecondAsync());
                context.AnswerBy(new ValueTask(first.Task));
                async ValueTask SecondAsync()
                {
                    await second.Task;
                    context.Fault(StatusCodes.BadNoData);
                }
            }
        );
        var pending = caller.FaultAsync(Request);
        first.SetResult();
        Assert.True(caller.Context!.IsKept);
        second.SetResult();
        Assert.Equal(StatusCodes.BadNoData, await pending);
    }

    [Fact]
    public async Task Work_may_leave_the_request_to_who_has_kept_it()
    {
        var first = new TaskCompletionSource();
        using var caller = Caller(
            (RequestContext context, ref UaReader reader) =>
            {
                context.AnswerBy(FirstAsync());
                async ValueTask FirstAsync()
                {
                    await first.Task;
                    context.Keep();
                }
            }
        );
        var pending = caller.FaultAsync(Request);
        first.SetResult();
        Assert.True(caller.Context!.IsKept);
        caller.Context!.Fault(StatusCodes.BadNoData);
        Assert.Equal(StatusCodes.BadNoData, await pending);
    }

    [Fact]
    public async Task Work_that_fails_is_a_fault_that_tells_nothing()
    {
        using var caller = Caller(
            (RequestContext context, ref UaReader reader) => context.AnswerBy(ValueTask.FromException(new InvalidDataException("secret")))
        );
        Assert.Equal(StatusCodes.BadInternalError, await caller.FaultAsync(Request));
        Assert.IsType<InvalidDataException>(Assert.Single(caller.Failures));
    }

    [Fact]
    public async Task Cancelled_work_is_answered_with_the_reason()
    {
        using var caller = Caller(
            (RequestContext context, ref UaReader reader) =>
                context.AnswerBy(new ValueTask(Task.Delay(Timeout.InfiniteTimeSpan, context.Cancellation)))
        );
        var pending = caller.FaultAsync(Request);
        caller.Context!.Cancel(StatusCodes.BadRequestCancelledByClient);
        Assert.Equal(StatusCodes.BadRequestCancelledByClient, await pending);
    }

    [Fact]
    public async Task Who_keeps_a_request_is_told_of_its_cancellation_once()
    {
        var told = 0;
        using var caller = Caller(
            (RequestContext context, ref UaReader reader) =>
            {
                context.Cancelled = cancelled =>
                {
                    told++;
                    cancelled.Fault(cancelled.CancelReason);
                };
                context.Keep();
            }
        );
        var pending = caller.FaultAsync(Request);
        caller.Context!.Cancel(StatusCodes.BadTimeout);
        caller.Context.Cancel(StatusCodes.BadConnectionClosed);
        Assert.Equal(StatusCodes.BadTimeout, await pending);
        Assert.Equal(1, told);
    }

    private static ServiceCaller Caller(ServiceHandler handler) =>
        new(new ServiceTable([new Module(table => table.Add(CancelRequest.BinaryEncodingId, handler))]), null, TimeProvider.System);

    private sealed class Module(Action<ServiceTable> register) : IServiceModule
    {
        public void Register(ServiceTable table) => register(table);
    }
}
