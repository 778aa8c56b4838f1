using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.Amqp.Diagnostics;

// Ids are part of the package's contract: append, never renumber. Amqp owns 4000-4999.
internal static partial class AmqpLog
{
    [LoggerMessage(4000, LogLevel.Information, "Connected to the broker {Broker}, virtual host {VirtualHost}; consuming {Queues}")]
    public static partial void Connected(this ILogger logger, string broker, string virtualHost, string queues);

    [LoggerMessage(4001, LogLevel.Warning, "The broker {Broker} is not there ({Reason}); trying again until it is")]
    public static partial void Unreachable(this ILogger logger, string broker, string reason);

    [LoggerMessage(4002, LogLevel.Warning, "The connection to the broker {Broker} was lost ({Reason}); connecting again")]
    public static partial void Lost(this ILogger logger, string broker, string reason);

    [LoggerMessage(
        4003,
        LogLevel.Error,
        "The broker has {Queue} with other settings ({Reason}): delete it there, or set DeclaresTopology to false and keep it as it is"
    )]
    public static partial void TopologyDiffers(this ILogger logger, string queue, string reason);

    [LoggerMessage(4004, LogLevel.Warning, "The queue {Queue} of the tenant {Tenant} is held back: {Reason}")]
    public static partial void HeldBack(this ILogger logger, string queue, string tenant, string reason);

    [LoggerMessage(4005, LogLevel.Error, "A message of the queue {Queue} could not be handled; its channel is made anew")]
    public static partial void DeliveryFailed(this ILogger logger, Exception exception, string queue);

    [LoggerMessage(4006, LogLevel.Warning, "The broker blocks publishers: {Reason}")]
    public static partial void Blocked(this ILogger logger, string reason);

    [LoggerMessage(4010, LogLevel.Information, "Connected to the broker {Broker}, virtual host {VirtualHost}; publishing {Purpose}")]
    public static partial void Publishing(this ILogger logger, string broker, string virtualHost, string purpose);

    [LoggerMessage(4011, LogLevel.Information, "The broker takes what is published again")]
    public static partial void Unblocked(this ILogger logger);

    [LoggerMessage(4012, LogLevel.Warning, "The broker does not let this host publish {Purpose} ({Reason}); trying again until it does")]
    public static partial void PublishingRefused(this ILogger logger, string purpose, string reason);

    [LoggerMessage(4013, LogLevel.Warning, "The commands of the tenant {Tenant} could not be read or noted; trying again")]
    public static partial void CommandsFailed(this ILogger logger, Exception exception, string tenant);

    [LoggerMessage(4014, LogLevel.Warning, "The events that wait could not be read or deleted; trying again")]
    public static partial void EventsFailed(this ILogger logger, Exception exception);

    [LoggerMessage(4030, LogLevel.Warning, "The queue {Queue} of the tenant {Tenant} is not consumed any more ({Reason}); trying again")]
    public static partial void QueueLost(this ILogger logger, string queue, string tenant, string reason);

    [LoggerMessage(
        4031,
        LogLevel.Warning,
        "The queue {Queue} of the tenant {Tenant} cannot be consumed ({Reason}); trying again until it can"
    )]
    public static partial void QueueUnusable(this ILogger logger, string queue, string tenant, string reason);

    [LoggerMessage(4032, LogLevel.Warning, "{Source} could not say which queues to consume; those of the last time stay")]
    public static partial void BindingsUnknown(this ILogger logger, Exception exception, string source);

    [LoggerMessage(4033, LogLevel.Error, "A queue is left out: {Error}")]
    public static partial void BindingLeftOut(this ILogger logger, string error);

    [LoggerMessage(4034, LogLevel.Information, "Consuming the queue {Queue} of the tenant {Tenant}")]
    public static partial void Consuming(this ILogger logger, string queue, string tenant);
}
